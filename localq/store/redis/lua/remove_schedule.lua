-- A name; returns whether it was known. A script that frees begins with a write that takes no memory.
call('DEL', P .. 'none')
local key = call('HGET', P .. 'sn', ARGV[2])
if not key then return 0 end
call('HDEL', P .. 'sn', ARGV[2])
call('ZREM', P .. 'sz', ARGV[2])
call('SREM', P .. 'ss:' .. call('HGET', P .. 's:' .. key, 'source'), key)
call('ZREM', P .. 'sd', member(key))
call('ZREM', P .. 'sh', member(key))
call('ZREM', P .. 'sl', key)
call('UNLINK', P .. 's:' .. key, P .. 'l:' .. key)
wrote()
call('PUBLISH', CH .. 'sch', '')
return 1
