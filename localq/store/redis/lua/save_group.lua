-- group, now[, content]; without content it is dropped.
local group = ARGV[2]
if ARGV[4] then
  call('SET', P .. 'G:' .. group, ARGV[4])
  call('ZADD', P .. 'Gz', ARGV[3], group)
else
  call('DEL', P .. 'G:' .. group)
  call('ZREM', P .. 'Gz', group)
end
wrote()
