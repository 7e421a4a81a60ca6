-- A claim in whose way nothing is: no pause, limit, task unknown, or job that cannot run; one queue, or all of which one
-- has ready jobs; and nothing that is due. As nearly all are; anything else goes on below, and nothing is written yet.
do
  local queues, served, at = nil, {}, 6
  if ARGV[6] == '' then
    queues, at = call('SMEMBERS', P .. 'q'), 7
  else
    queues, at = {}, 7 + ARGV[6]
    for n = 7, at - 1 do queues[#queues + 1] = ARGV[n] end
  end
  local simple = ARGV[at] == '0' and ARGV[at + 1] == '' and (ARGV[at + 2] == '' or ARGV[at + 2] == '0')
  simple = simple and call('EXISTS', P .. 'o', P .. 'parked', P .. 'apart', P .. 'stuck') == 0
  local worker, bell, limit = ARGV[2], ARGV[3], tonumber(ARGV[4])
  simple = simple and limit > 0 and call('ZSCORE', P .. 'wl', worker)
  local next_at, queue = nil, nil
  if simple then
    for _, name in ipairs(queues) do
      local first = call('ZRANGE', P .. 'd:' .. name, 0, 0, 'WITHSCORES')[2]
      if first then
        first = tonumber(first)
        if first <= tonumber(ARGV[5]) then simple = false end
        if not next_at or first < next_at then next_at = first end
      end
      if #queues == 1 or call('EXISTS', P .. 'r:' .. name) == 1 then
        if queue and queue ~= name then simple = false end
        queue = name
      end
    end
  end
  if simple then
    local popped = queue and call('ZPOPMIN', P .. 'r:' .. queue, limit) or {}
    local taken, held, by_task = {}, {}, {}
    for n = 1, #popped, 2 do
      local id = popped[n]
      local key, flat = P .. 'j:' .. id, nil
      flat = call('HGETALL', key)
      local a, token, task, shown, long = 0, 0, nil, nil, nil
      local size = #flat
      for f = 1, size, 2 do
        local name = flat[f]
        if name == 'a' then
          a = flat[f + 1]
        elseif name == 'n' then
          token = flat[f + 1]
        elseif name == 't' then
          task = flat[f + 1]
        elseif name == 'h' then
          shown = flat[f + 1]
        elseif name == 'L' then
          long = true
        end
      end
      token = token + 1
      call('HSET', key, 's', '2', 'o', worker, 'n', token, 'a', a + 1)
      if shown then
        call('HDEL', key, 'h')
        call('ZREM', P .. 'hs:' .. shown, id)
      end
      held[n], held[n + 1] = id, token
      by_task[task] = (by_task[task] or 0) + 1
      flat[size + 1], flat[size + 2] = 'id', id
      if long then
        flat[size + 3], flat[size + 4] = 'P', call('GET', P .. 'p:' .. id) or ''
      end
      taken[#taken + 1] = flat
    end
    if #taken > 0 then
      for first = 1, #held, 4000 do
        call('HSET', P .. 'h:' .. worker, unpack(held, first, math.min(first + 3999, #held)))
      end
      if call('HINCRBY', P .. 'n', '1:' .. queue, -#taken) == 0 then call('HDEL', P .. 'n', '1:' .. queue) end
      call('HINCRBY', P .. 'n', '2:' .. queue, #taken)
      for task, number in pairs(by_task) do
        local name = queue .. '\0' .. task
        if call('HINCRBY', P .. 't', name, -number) == 0 then call('HDEL', P .. 't', name) end
      end
      call('INCR', P .. 'v')
    end
    if bell ~= '' then
      call('SREM', P .. 'rung', bell)
      local act = #taken >= limit and 'SREM' or 'SADD'
      if ARGV[6] == '' then
        call(act, P .. 'idle', bell)
      else
        for _, name in ipairs(queues) do call(act, P .. 'idle:' .. name, bell) end
        call('SREM', P .. 'idle', bell)
      end
    end
    return {1, next_at and int(next_at) or '', {}, unpack(taken)}
  end
end
