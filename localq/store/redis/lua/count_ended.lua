-- Counts jobs that finished in a minute, and are there: the minute, since, until, the step; then from which entry of its
-- list and how many of them, or "" and keys. Returns the entry to go on from, "" for none; keys that may stand in the list
-- twice, for they have run or ended more than once, and are not counted yet; and of each cell its step, name and counts.
local minute, since, till, step = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local from, keys, most = tonumber(ARGV[6]), {}, 0
if from then
  most = tonumber(ARGV[7])
  keys = call('LRANGE', P .. 'F:' .. minute, from, from + most - 1)
else
  for n = 7, #ARGV do keys[n - 6] = ARGV[n] end
end
local cells, unsure = {}, {}
for _, key in ipairs(keys) do
  local id = call('HGET', P .. 'c:' .. math.floor(key / 128), key % 128)
  local v = id and call('HMGET', P .. 'j:' .. id, 's', 'f', 't', 'q', 'a', 'r', 'i', 'n') or {}
  local at = tonumber(v[2] or 0)
  -- One that ran again since does not count, or not here.
  if v[1] and tonumber(v[1]) > 2 and math.floor(at / 60000000) == tonumber(minute) and at >= since and at < till then
    if from and not (v[1] == '3' and v[8] == '1') then
      unsure[#unsure + 1] = key
    else
      local j = {s = v[1], f = v[2], t = v[3], q = v[4], a = v[5] or nil, r = v[6] or nil, i = v[7]}
      if j.a then j[j.a] = call('HGET', P .. 'j:' .. id, j.a) or nil end
      count_ended(cells, j, step)
    end
  end
end
local told = {from and #keys == most and int(from + most) or '', unsure}
for at, by_name in pairs(cells) do
  for name, cell in pairs(by_name) do
    for _, word in ipairs({at, name, tally_text(cell)}) do told[#told + 1] = word end
  end
end
return told
