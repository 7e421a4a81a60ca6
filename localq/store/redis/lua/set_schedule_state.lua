-- A name, and fields with their values, packed; returns whether it is known.
local key = call('HGET', P .. 'sn', ARGV[2])
if not key then return 0 end
local fields = cmsgpack.unpack(ARGV[3])
fields[#fields + 1] = 'revision'
fields[#fields + 1] = int(tonumber(call('HGET', P .. 's:' .. key, 'revision')) + 1)
write_schedule(key, fields)
wrote()
call('PUBLISH', CH .. 'sch', '')
return 1
