-- Counts jobs that finished in a minute, and are there: the minute, from which entry of its list, how many of them, since,
-- until, and the step. Returns the entry to go on from, "" for none, and of each cell its step, name and counts.
local from, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local since, till, step = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local list = P .. 'F:' .. ARGV[2]
local cells, seen = {}, {}
local keys = call('LRANGE', list, from, from + most - 1)
for _, key in ipairs(keys) do
  local id = not seen[key] and call('HGET', P .. 'c:' .. math.floor(key / 128), key % 128)
  seen[key] = true
  local v = id and call('HMGET', P .. 'j:' .. id, 's', 'f', 't', 'q', 'a', 'r', 'i') or {}
  local at = tonumber(v[2] or 0)
  -- One that ended twice in this minute stands there twice; one that ran again does not count.
  local twice = from > 0 and id and call('LPOS', list, key) < from
  if v[1] and tonumber(v[1]) > 2 and math.floor(at / 60000000) == tonumber(ARGV[2]) and at >= since and at < till then
    local j = {s = v[1], f = v[2], t = v[3], q = v[4], a = v[5] or nil, r = v[6] or nil, i = v[7]}
    if j.a then j[j.a] = call('HGET', P .. 'j:' .. id, j.a) or nil end
    if not twice then count_ended(cells, j, step) end
  end
end
local told = {#keys == most and int(from + most) or ''}
for at, by_name in pairs(cells) do
  for name, cell in pairs(by_name) do
    for _, word in ipairs({at, name, tally_text(cell)}) do told[#told + 1] = word end
  end
end
return told
