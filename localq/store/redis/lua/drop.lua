-- Removing jobs with all they hold, and counting what is removed; see `localq.model.tally`.

local FINE, COARSE, FINE_KEPT, KEPT_FOR = 600000000, 3600000000, 172800000000, 7776000000000

local function size_of(span)
  if span <= 0 then return 0 end
  return math.max(0, math.floor(4 * math.log(span) / math.log(2) + 0.5))
end

local function sizes_of(text)
  local sizes = {}
  for size, number in string.gmatch(text, '(%d+):(%d+)') do sizes[size] = tonumber(number) end
  return sizes
end

local function sizes_text(sizes)
  local parts = {}
  for size, number in pairs(sizes) do parts[#parts + 1] = size .. ':' .. int(number) end
  return table.concat(parts, ',')
end

local function add_sizes(into, sizes)
  for size, number in pairs(sizes) do into[size] = (into[size] or 0) + number end
end

local function read_tally(text)
  local n, ran, runs, waits = string.match(text, '^(%d+) (%d+) (%S*) (%S*)$')
  return {n = tonumber(n), ran = tonumber(ran), runs = sizes_of(runs), waits = sizes_of(waits)}
end

local function add_tally(step, name, more)
  local key = P .. 'T:' .. step
  local text = call('HGET', key, name)
  local sum = text and read_tally(text) or {n = 0, ran = 0, runs = {}, waits = {}}
  add_sizes(sum.runs, more.runs)
  add_sizes(sum.waits, more.waits)
  local ran = int(sum.ran + more.ran)
  text = int(sum.n + more.n) .. ' ' .. ran .. ' ' .. sizes_text(sum.runs) .. ' ' .. sizes_text(sum.waits)
  call('HSET', key, name, text)
  call('ZADD', P .. 'Ts', step, step)
end

local function drop_tallies(step)
  call('DEL', P .. 'T:' .. step)
  call('ZREM', P .. 'Ts', step)
end

-- Adds up the oldest fine tallies, an hour's at a time: as fast as new ones come.
local function coarsen(newest)
  local up_to = math.floor((newest - FINE_KEPT) / COARSE) * COARSE
  local hour = nil
  for _, step in ipairs(call('ZRANGEBYSCORE', P .. 'Ts', '-inf', '(' .. int(up_to))) do
    local at = tonumber(step)
    if at % COARSE ~= 0 then
      hour = hour or at - at % COARSE
      if at - at % COARSE ~= hour then return end
      local flat = call('HGETALL', P .. 'T:' .. step)
      drop_tallies(step)
      for n = 1, #flat, 2 do add_tally(int(hour), flat[n], read_tally(flat[n + 1])) end
    end
  end
end

-- Counts finished jobs that are about to go.
local function remember(jobs)
  local cells, newest = {}, nil
  for _, j in ipairs(jobs) do
    if is_final(j) then
      local at = tonumber(j.f)
      local name = j.t .. '\0' .. j.q .. '\0' .. j.s
      local cell = listed(listed(cells, int(at - at % FINE)), name)
      if not cell.n then cell.n, cell.ran, cell.runs, cell.waits = 0, 0, {}, {} end
      cell.n = cell.n + 1
      local started, over_at = string.match(j[j.a or ''] or '', '^%d+ (%d+) (%d+) ')
      if started then
        local took = math.max(0, tonumber(over_at) - tonumber(started))
        cell.ran = cell.ran + took
        add_sizes(cell.runs, {[tostring(size_of(took))] = 1})
        add_sizes(cell.waits, {[tostring(size_of(tonumber(started) - tonumber(j.r or j.i)))] = 1})
      end
      newest = math.max(newest or 0, at - at % FINE)
    end
  end
  if not newest then return end
  for step, by_name in pairs(cells) do
    for name, cell in pairs(by_name) do add_tally(step, name, cell) end
  end
  coarsen(newest)
  for _, step in ipairs(call('ZRANGEBYSCORE', P .. 'Ts', '-inf', '(' .. int(newest - KEPT_FOR))) do drop_tallies(step) end
end

-- Whether an unfinished job waits for one.
local function is_needed(j)
  for _, entry in ipairs(ties(j, 'b')) do
    local waiter = load(other(entry))
    if waiter and not is_final(waiter) then return true end
  end
  return false
end

local function id_of(key)
  return call('HGET', P .. 'c:' .. math.floor(key / 128), key % 128)
end

-- What waits, or waited, for a job that goes does so no more.
local function forget_awaited(j, gone)
  for _, entry in ipairs(ties(j, 'b')) do
    local id = other(entry)
    local waiter = not gone[id] and load(id)
    if waiter then
      untie(waiter, 'e', kind(entry) .. '.' .. j.id)
      if waiter.u == j.id then put(waiter, 'u', '') end
    end
  end
end

local function trim_tasks(tasks)
  for task in pairs(tasks) do
    local key = P .. 'i:' .. task
    local heads, dead = call('LRANGE', key, 0, AT_ONCE - 1), 0
    while dead < #heads and not id_of(tonumber(heads[dead + 1])) do dead = dead + 1 end
    if dead > 0 then call('LTRIM', key, dead, -1) end
  end
end

-- Takes jobs off the lists of what finished in a minute: from their head, and once prune is past it from all of it.
local function trim_minutes(minutes)
  for minute in pairs(minutes) do
    local key = P .. 'F:' .. minute
    local passed = call('EXISTS', P .. 'f:' .. minute) == 0
    local keys, dead, left = call('LRANGE', key, 0, passed and -1 or AT_ONCE - 1), 0, {}
    while dead < #keys and not id_of(tonumber(keys[dead + 1])) do dead = dead + 1 end
    if dead > 0 then call('LTRIM', key, dead, -1) end
    if passed then
      for n = dead + 1, #keys do
        if id_of(tonumber(keys[n])) then left[#left + 1] = keys[n] end
      end
      if #left < #keys - dead then
        call('DEL', key)
        many('RPUSH', key, left)
      end
      if #left == 0 then call('ZREM', P .. 'fm', minute) end
    end
  end
end

local function trim_workflows(flows, gone)
  for workflow, ids in pairs(flows) do
    local key = P .. 'g:' .. workflow
    if #ids < 4 then
      for _, id in ipairs(ids) do call('LREM', key, 1, id) end
    else
      local left = {}
      for _, id in ipairs(call('LRANGE', key, 0, -1)) do
        if not gone[id] then left[#left + 1] = id end
      end
      call('DEL', key)
      many('RPUSH', key, left)
    end
  end
end

-- Removes jobs; those that had not finished are none of their workflow's any more.
local function drop(jobs)
  local gone, tasks, minutes, flows = {}, {}, {}, {}
  for _, j in ipairs(jobs) do gone[j.id] = true end
  remember(jobs)
  for _, j in ipairs(jobs) do
    local id = j.id
    leave(j)
    forget_awaited(j, gone)
    untie_all(j, gone)
    if j.h then call('ZREM', P .. 'hs:' .. j.h, id) end
    call('UNLINK', P .. 'j:' .. id, P .. 'p:' .. id, P .. 'a:' .. id, P .. 'e:' .. id, P .. 'b:' .. id, P .. 'm:' .. id)
    call('HDEL', P .. 'c:' .. math.floor(j.k / 128), j.k % 128)
    tasks[j.t] = true
    if j.g then
      local list = listed(flows, j.g)
      list[#list + 1] = id
    end
    if is_final(j) then
      minutes[minute_of(tonumber(j.f))] = true
    elseif j.g and call('HINCRBY', P .. 'go', j.g, -1) <= 0 then
      call('HDEL', P .. 'go', j.g)
      -- Nobody knows when the last of them finished: prune looks.
      over['0'] = over['0'] or {}
      table.insert(over['0'], 'g' .. j.g)
    end
  end
  for _, j in ipairs(jobs) do
    known[j.id] = false
    changed[j.id] = nil
  end
  trim_workflows(flows, gone)
  trim_tasks(tasks)
  trim_minutes(minutes)
  return #jobs
end
