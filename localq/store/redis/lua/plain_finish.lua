-- Ends runs of jobs that succeeded and have to do with no other, as nearly all are. Anything else among them goes on
-- below, and nothing is written yet.
do
  local now_text, at = ARGV[2], 3
  local names = {}
  for n = 1, tonumber(ARGV[3]) do
    at = at + 1
    names[n] = call('HGET', P .. 'nm', 'n' .. ARGV[at])
  end
  local total = tonumber(ARGV[at + 1])
  at = at + 1
  local simple = total <= 1000
  local ends, states, seen = {}, {}, {}
  for n = 1, simple and total or 0 do
    local id, word = ARGV[at + 1], ARGV[at + 8]
    local first = string.sub(word, 1, 1)
    if ARGV[at + 4] ~= '3' or first ~= 'a' or seen[id] or string.find(word, '[^arfo]') then
      simple = false
      break
    end
    seen[id] = true
    local number = ARGV[at + 9]
    local worker = names[tonumber(ARGV[at + 10])]
    local flat, j = call('HGETALL', P .. 'j:' .. id), {}
    for f = 1, #flat, 2 do j[flat[f]] = flat[f + 1] end
    if j.s ~= '2' or j.n ~= ARGV[at + 2] or j.o ~= ARGV[at + 3] then
      states[n] = ''
    elseif not worker or j.b or j.g or j.h or j.m or j[number] or tonumber(number) > 20 then
      simple = false
      break
    else
      states[n] = '3'
      local h = {'s', '3', 'f', now_text, number, worker .. ' ' .. ARGV[at + 11]}
      local m = 6
      local run_at = ARGV[at + 5]
      if run_at ~= (j.r or j.i) then
        h[m + 1], h[m + 2], m = 'r', run_at, m + 2
      end
      if ARGV[at + 6] ~= (j.y or '0') then
        h[m + 1], h[m + 2], m = 'y', ARGV[at + 6], m + 2
      end
      if ARGV[at + 7] ~= (j.z or '0') then
        h[m + 1], h[m + 2], m = 'z', ARGV[at + 7], m + 2
      end
      ends[#ends + 1] = {id, j.o, j.q, j.k, h, number, at + 11, word}
    end
    -- The attempt is three words, each other letter one.
    at = at + 10 + #word
  end
  if simple and #ends > 0 then
    local by_owner, by_queue, keys, ids = {}, {}, {}, {}
    for n = 1, #ends do
      local one = ends[n]
      local owned = by_owner[one[2]]
      if not owned then
        owned = {}
        by_owner[one[2]] = owned
      end
      owned[#owned + 1] = one[1]
      by_queue[one[3]] = (by_queue[one[3]] or 0) + 1
      keys[n], ids[n] = one[4], one[1]
    end
    for owner, owned in pairs(by_owner) do call('HDEL', P .. 'h:' .. owner, unpack(owned)) end
    for n = 1, #ends do
      local one = ends[n]
      local h, where, word = one[5], one[7], one[8]
      for letter = 2, #word do
        local value, field = ARGV[where + letter - 1], one[6] .. string.sub(word, letter, letter)
        if #value > 64 then
          call('HSET', P .. 'a:' .. one[1], field, value)
        else
          h[#h + 1] = field
          h[#h + 1] = value
        end
      end
      call('HSET', P .. 'j:' .. one[1], unpack(h))
    end
    local minute = string.format('%.0f', math.floor(now_text / 60000000))
    call('RPUSH', P .. 'F:' .. minute, unpack(keys))
    call('RPUSH', P .. 'f:' .. minute, unpack(keys))
    call('ZADD', P .. 'fm', minute, minute)
    for queue, number in pairs(by_queue) do
      if call('HINCRBY', P .. 'n', '2:' .. queue, -number) == 0 then call('HDEL', P .. 'n', '2:' .. queue) end
      call('HINCRBY', P .. 'n', '3:' .. queue, number)
    end
    call('INCR', P .. 'v')
    call('PUBLISH', CH .. 'res', table.concat(ids, ' '))
    if call('EXISTS', P .. 'ch') == 1 then
      for n = 1, #ids do call('PUBLISH', CH .. 'res:' .. ids[n], ids[n]) end
    end
    return states
  end
end
