-- What keeps a claim from ready jobs: pauses and rate limits, as `localq.model.rates` has them. A job over its task's limit
-- is parked: scheduled for a time that never comes, in a set of its queue and task.

local MOVED = 1000

-- Returns pauses by queue, and the limits that hold: `own` ones of tasks, and over them those ordered.
local function orders_over(own)
  local paused, limits = {}, {}
  for task, rate in pairs(own or {}) do limits[task] = rate end
  local flat = call('HGETALL', P .. 'o')
  for n = 1, #flat, 2 do
    local kind_of, name = string.match(flat[n], '^(%Z*)%z(.*)$')
    if kind_of == 'pause' then
      paused[name] = true
    elseif kind_of == 'rate' and own then
      local interval, burst = string.match(flat[n + 1], '^(%d+) (%d+)|')
      if interval then
        limits[name] = {tonumber(interval), tonumber(burst)}
      elseif string.sub(flat[n + 1], 1, 2) == '0|' then
        limits[name] = nil
      end
    end
  end
  return paused, limits
end

-- `own`: limits that tasks have by themselves, nil where none holds.
local function brakes_of(own, served, tasks, now)
  local paused, limits = orders_over(own)
  local brakes = {queues = {}}
  local full_at, spent, late, again = {}, {}, {}, false
  local is_served = {}
  for _, queue in ipairs(served) do
    if not paused[queue] then
      brakes.queues[#brakes.queues + 1] = queue
      is_served[queue] = true
    end
  end

  local function full(task)
    if not full_at[task] then
      local kept = tonumber(call('HGET', P .. 'bk', task) or 0)
      -- What lies further ahead was written by a clock that has been set back since.
      full_at[task] = math.min(kept, now + limits[task][1] * limits[task][2])
    end
    return full_at[task]
  end

  local function left_of(task)
    local interval, burst = limits[task][1], limits[task][2]
    return math.max(0, math.floor((now + burst * interval - math.max(full(task), now)) / interval))
  end

  -- Takes one run from what is left; false if nothing is.
  function brakes.spend(task)
    if not limits[task] then return true end
    if left_of(task) == 0 then return false end
    full_at[task] = math.max(full(task), now) + limits[task][1]
    spent[task] = full_at[task]
    return true
  end

  local function let_out(name, queue, task)
    local most = limits[task] and math.min(MOVED, left_of(task)) or MOVED
    if most > 0 then
      local popped, ready = call('ZPOPMIN', P .. 'P:' .. name, most), {}
      for n = 1, #popped, 2 do
        call('HSET', P .. 'j:' .. popped[n], 's', 1, 'r', int(now))
        ready[n], ready[n + 1] = popped[n + 1], popped[n]
      end
      many('ZADD', P .. 'r:' .. queue, ready)
      count('0', queue, -#popped / 2)
      count('1', queue, #popped / 2)
      left_apart('P:', name)
      if #popped / 2 < most then return end
    end
    if limits[task] then late[task] = true else again = true end
  end

  for _, name in ipairs(call('SMEMBERS', P .. 'parked')) do
    local queue, task = string.match(name, '^(%Z*)%z(.*)$')
    local is_mine = tasks == '' or string.find(tasks, '\0' .. task .. '\0', 1, true)
    if is_served[queue] and is_mine then let_out(name, queue, task) end
  end

  local function put_aside(id, h)
    local name = h.q .. '\0' .. h.t
    call('HSET', P .. 'j:' .. id, 's', 0, 'r', PARKED)
    call('ZADD', P .. 'P:' .. name, score(h.p, h.k), id)
    call('SADD', P .. 'parked', name)
    count('1', h.q, -1)
    count('0', h.q, 1)
  end

  -- Parks jobs that are over their limits, and those of their tasks further back.
  function brakes.park(over, sources)
    local tasks_over = {}
    for _, h in ipairs(over) do
      tasks_over[h.t] = true
      late[h.t] = true
      put_aside(h.id, h)
    end
    for _, source in ipairs(sources) do
      for _, id in ipairs(call('ZRANGE', source.key, 0, MOVED - 1)) do
        local v = call('HMGET', P .. 'j:' .. id, 't', 'q', 'p', 'k')
        if tasks_over[v[1]] then
          call('ZREM', source.key, id)
          put_aside(id, {t = v[1], q = v[2], p = v[3] or 0, k = v[4]})
        end
      end
    end
  end

  -- Keeps what was spent; returns when to claim next.
  function brakes.ended(due)
    for task, full_then in pairs(spent) do call('HSET', P .. 'bk', task, int(full_then)) end
    if again then return now end
    for task in pairs(late) do
      local at = math.max(now, full(task) - (limits[task][2] - 1) * limits[task][1])
      if not due or at < due then due = at end
    end
    return due
  end

  return brakes
end
