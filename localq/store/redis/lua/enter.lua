-- Enters a worker: uuid, a key for it if it has none, card, now, lease, the server's time or "", and up to when those gone
-- are forgotten; then a name that nobody else may have, or "", the number of keys and the keys of those that
-- may. Returns its key; 0: the name is another's.
in_any_case()
local uuid, key, card, now, lease, time, old = arg(), arg(), arg(), arg(), arg(), server_time(arg()), arg()
local name = arg()
local found = call('HGET', P .. 'wu', uuid)
if name ~= '' then
  local may = { [found or ''] = true }
  for _ = 1, arg() do may[arg()] = true end
  local kept = call('HGETALL', P .. 'wk')
  for n = 1, #kept, 2 do
    if not may[kept[n]] then
      local _, _, _, text = string.match(kept[n + 1], '^(%S+) (%S+) (%S+) (.*)$')
      if cjson.decode(text).name == name then return 0 end
    end
  end
end
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
