-- How many, below which key, and "=" with the target or nothing; returns keys with changes, the latest first.
local most, from = tonumber(ARGV[2]), 0
local told = {}
while #told < most do
  local rows = call('ZREVRANGEBYSCORE', P .. 'A', ARGV[3], '-inf', 'WITHSCORES', 'LIMIT', from, 500)
  for n = 1, #rows, 2 do
    local target = ARGV[4] ~= '' and cmsgpack.unpack(string.match(rows[n], '^%Z*%z(.*)$'))[5]
    if #told < most and (ARGV[4] == '' or '=' .. target == ARGV[4]) then
      told[#told + 1] = {rows[n + 1], rows[n]}
    end
  end
  from = from + 500
  if #rows < 1000 then break end
end
return told
