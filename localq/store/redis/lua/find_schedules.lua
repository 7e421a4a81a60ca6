-- The name after which to begin, or nothing; the limit; states. Returns the key and the fields of each, by name.
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local most = tonumber(ARGV[3])
local states = nil
if ARGV[4] ~= '*' then
  states = {}
  for at = 5, #ARGV do states[ARGV[at]] = true end
end
local told = {}
while #told < 2 * most do
  local names = call('ZRANGEBYLEX', P .. 'sz', from, '+', 'LIMIT', 0, math.min(1000, most))
  for _, name in ipairs(names) do
    local key = call('HGET', P .. 'sn', name)
    if key and #told < 2 * most and (not states or states[call('HGET', P .. 's:' .. key, 'state')]) then
      told[#told + 1] = key
      told[#told + 1] = call('HGETALL', P .. 's:' .. key)
    end
    from = '(' .. name
  end
  if #names == 0 then break end
end
return told
