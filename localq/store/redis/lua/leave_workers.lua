-- Declares workers gone: now, and their keys.
in_any_case()
local now, any = arg(), false
for _ = 1, tonumber(arg()) do
  local worker = arg()
  local entered, started, _, card = read_worker(worker)
  if entered and call('ZREM', P .. 'wl', worker) == 1 then
    any = true
    call('ZADD', P .. 'wg', now, worker)
    write_worker(worker, entered, started, now, card)
    local uuid = cjson.decode(card).uuid
    if call('HGET', P .. 'wu', uuid) == worker then call('HDEL', P .. 'wu', uuid) end
  end
end
if any then wrote() end
