-- Removing jobs with all they hold.

-- Counts finished jobs that are about to go.
local function remember(jobs)
  local cells, newest = {}, nil
  for _, j in ipairs(jobs) do
    if is_final(j) then
      count_ended(cells, j, FINE)
      local at = tonumber(j.f)
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

-- Takes keys of jobs that are gone from the head of a list.
local function trim_head(key)
  while true do
    local heads, dead = call('LRANGE', key, 0, 99), 0
    while dead < #heads and not id_of(tonumber(heads[dead + 1])) do dead = dead + 1 end
    if dead > 0 then call('LTRIM', key, dead, -1) end
    if dead < 100 then return end
  end
end

local function trim_tasks(tasks)
  for task in pairs(tasks) do
    local key = P .. 'i:' .. task
    trim_head(key)
  end
end

-- Entries of a list that are looked through for those gone from its middle.
local FEW = 1000

-- Takes jobs off the lists of what finished in a minute: from their head, and once prune is past it and few are left from
-- all of it.
local function trim_minutes(minutes)
  for minute in pairs(minutes) do
    local key = P .. 'F:' .. minute
    trim_head(key)
    if call('EXISTS', P .. 'f:' .. minute) == 0 and call('LLEN', key) <= FEW then
      local keys, left = call('LRANGE', key, 0, -1), {}
      for _, one in ipairs(keys) do
        if id_of(tonumber(one)) then left[#left + 1] = one end
      end
      if #left < #keys then
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
    local chunk = math.floor(j.k / 128)
    call('HDEL', P .. 'c:' .. chunk, j.k % 128)
    if call('EXISTS', P .. 'c:' .. chunk) == 0 then call('ZREM', P .. 'cz', chunk) end
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
