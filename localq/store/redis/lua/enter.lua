-- Enters a worker: uuid, a key for it if it has none, card, now, lease, the server's time or "", and up to when those gone
-- are forgotten. Returns its key.
in_any_case()
local uuid, key, card, now, lease, time, old = arg(), arg(), arg(), arg(), arg(), server_time(arg()), arg()
local found = call('HGET', P .. 'wu', uuid)
local entered, started
if found then
  key = found
  entered, started = read_worker(key)
else
  call('HSET', P .. 'wu', uuid, key)
  local at = call('TIME')
  entered, started = int(at[1] * 1000000 + at[2]), now
  for _, gone in ipairs(call('ZRANGEBYSCORE', P .. 'wg', '-inf', '(' .. old)) do drop_worker(gone) end
end
call('ZADD', P .. 'wl', int(time + lease), key)
write_worker(key, entered, started, now, card)
wrote()
return key
