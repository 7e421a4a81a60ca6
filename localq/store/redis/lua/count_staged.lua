-- Lets all parts count from now on, if they are there: token, and how many there are. Returns 1 if they do.
local key = P .. 'big:' .. ARGV[2]
if call('LLEN', key) ~= tonumber(ARGV[3]) then return redis.error_reply('LQSTAGE parts are gone') end
local time = call('TIME')
call('ZADD', P .. 'bigs', int(time[1] * 1000000 + time[2]), ARGV[2])
call('PERSIST', key)
wrote()
return 1
