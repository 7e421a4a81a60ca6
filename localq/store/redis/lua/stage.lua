-- Keeps a part of jobs to add until it counts: token, part. It goes by itself if that never comes.
local key = P .. 'big:' .. ARGV[2]
local parts = call('RPUSH', key, ARGV[3])
call('EXPIRE', key, 600)
return parts
