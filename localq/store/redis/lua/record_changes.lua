-- How many are kept, then a token and a change for each, packed. A change is kept as "<token>\0<packed>".
for n = 3, #ARGV, 2 do
  if call('HEXISTS', P .. 'At', ARGV[n]) == 0 then
    local key = call('INCR', P .. 'Ak')
    call('ZADD', P .. 'A', key, ARGV[n] .. '\0' .. ARGV[n + 1])
    call('HSET', P .. 'At', ARGV[n], key)
  end
end
local spare = call('ZCARD', P .. 'A') - tonumber(ARGV[2])
if spare > 0 then
  for _, row in ipairs(call('ZRANGE', P .. 'A', 0, spare - 1)) do
    call('HDEL', P .. 'At', string.match(row, '^%Z*'))
  end
  call('ZREMRANGEBYRANK', P .. 'A', 0, spare - 1)
end
wrote()
