-- A name, the limit, before which instant; returns the latest entries first.
local key = call('HGET', P .. 'sn', ARGV[2])
if not key then return {} end
return call('ZREVRANGEBYSCORE', P .. 'l:' .. key, ARGV[4], '-inf', 'LIMIT', 0, ARGV[3])
