-- Looks for jobs, the newest first: where ("" for all, "h:" for those that run, "i:<task>", or a
-- sorted set by key), before which key ("" for all), how many are
-- wanted, how many to look at, and what they must be, packed: states, tasks, queues (each {} or false), shown, since,
-- until, and of a worker its number and keys, and text. Returns the key down to which all were seen ("0": all), when the
-- last job looked at was added, how many were looked at, and the jobs.
local where, before, most, look = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local wants = cmsgpack.unpack(ARGV[6])

local function set_of(list)
  if not list then return nil end
  local set = {}
  for _, value in ipairs(list) do set[value] = true end
  return set
end
local states, tasks, queues = set_of(wants.states), set_of(wants.tasks), set_of(wants.queues)
local since, till = tonumber(wants.since or 0), tonumber(wants.till or 0)
local owners = set_of(wants.owners)

local function is_in(field, text)
  return text and string.find(text, field, 1, true)
end

-- Whether a worker has run it, or a text is in its arguments or in the error of a run.
local function deep_fits(h, id)
  local ran = not owners or (h.s == '2' and owners[h.o])
  local said = not wants.text or is_in(wants.text, h.A) or (h.L and is_in(wants.text, payload_of(id, true)))
  if ran and said then return true end
  local function try(fields)
    for field, value in pairs(fields) do
      if not ran and wants.number and string.match(field, '^%d+$') then
        ran = string.match(value, '^%S+') == wants.number
      end
      if not said and string.match(field, '^%d+f$') then said = is_in(wants.text, value) end
    end
    return ran and said
  end
  return try(h) or try(as_table(call('HGETALL', P .. 'a:' .. id)))
end

local found, looked, end_key, end_at = {}, 0, nil, nil

-- Looks at a job; returns whether to go on.
local function see(id)
  local v = call('HMGET', P .. 'j:' .. id, 's', 't', 'q', 'h', 'i', 'k')
  if not v[1] then return true end
  end_key, end_at = v[6], v[5]
  looked = looked + 1
  local at = tonumber(v[5])
  local fits = (not states or states[v[1]]) and (not tasks or tasks[v[2]]) and (not queues or queues[v[3]])
  fits = fits and (not wants.shown or wants.shown == v[4])
  fits = fits and (not wants.since or at >= since) and (not wants.till or at < till)
  if fits and (owners or wants.text) then
    fits = deep_fits(as_table(call('HGETALL', P .. 'j:' .. id)), id)
  end
  if fits then
    found[#found + 1] = {id, unpack(told_job(id, false))}
  end
  return #found < most and looked < look
end

local function through_all()
  local key = before and before - 1 or tonumber(call('GET', P .. 'k') or 0)
  local top = math.floor(key / 128)
  while true do
    local chunks = call('ZREVRANGEBYSCORE', P .. 'cz', int(top), '-inf', 'LIMIT', 0, 32)
    for _, chunk in ipairs(chunks) do
      local slots = as_table(call('HGETALL', P .. 'c:' .. chunk))
      local first = tonumber(chunk) * 128
      for slot = math.min(127, key - first), 0, -1 do
        local id = slots[int(slot)]
        if id and not see(id) then return false end
      end
      top = tonumber(chunk) - 1
    end
    if #chunks < 32 then return true end
  end
end

local function through_set()
  local up_to, from = before and '(' .. int(before) or '+inf', 0
  while true do
    local ids = call('ZREVRANGEBYSCORE', P .. where, up_to, '-inf', 'LIMIT', from, 100)
    for _, id in ipairs(ids) do
      if not see(id) then return false end
    end
    from = from + 100
    if #ids < 100 then return true end
  end
end

-- The jobs of a task, of which the list has the keys in order.
local function through_list()
  local low, high = 0, call('LLEN', P .. where)
  local stop = before or math.huge
  while low < high do
    local middle = math.floor((low + high) / 2)
    if tonumber(call('LINDEX', P .. where, middle)) < stop then low = middle + 1 else high = middle end
  end
  local last = low - 1
  while last >= 0 do
    local keys = call('LRANGE', P .. where, math.max(0, last - 99), last)
    for n = #keys, 1, -1 do
      local key = tonumber(keys[n])
      local id = call('HGET', P .. 'c:' .. math.floor(key / 128), key % 128)
      if id and not see(id) then return false end
    end
    last = last - 100
  end
  return true
end

-- Those that run: there are few, and all of them are looked at.
local function through_running()
  local running = {}
  look = math.huge
  for _, worker in ipairs(call('HKEYS', P .. 'wk')) do
    for _, id in ipairs(call('HKEYS', P .. 'h:' .. worker)) do
      local key = tonumber(call('HGET', P .. 'j:' .. id, 'k') or 0)
      if not before or key < before then running[#running + 1] = {key, id} end
    end
  end
  table.sort(running, function(one, another) return one[1] > another[1] end)
  for _, one in ipairs(running) do
    if not see(one[2]) then return false end
  end
  return true
end

local whole
if where == '' then
  whole = through_all()
elseif where == 'h:' then
  whole = through_running()
elseif string.sub(where, 1, 2) == 'i:' then
  whole = through_list()
else
  whole = through_set()
end
return {whole and '0' or end_key, end_at or '', looked, unpack(found)}
