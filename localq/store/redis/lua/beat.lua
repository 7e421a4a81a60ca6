-- Renews a lease: worker, lease, now, the server's time or "", "+card" or "", and what it runs, as ids with tokens.
-- Returns whether it holds, which of those it runs by right with the flags of those to be cancelled, hashes of what it
-- does not know (each with its `id`), and the orders that hold.
call('DEL', P .. 'none')
local worker, lease, now, time, card = arg(), tonumber(arg()), arg(), server_time(arg()), some()
local entered, started, _, before = read_worker(worker)
if not entered or not call('ZSCORE', P .. 'wl', worker) then return {0} end
call('ZADD', P .. 'wl', int(time + lease), worker)
write_worker(worker, entered, started, now, card and string.sub(card, 2) or before)
local held, is_known_there = {}, {}
local flat = call('HGETALL', P .. 'h:' .. worker)
for n = 1, #flat, 2 do held[flat[n]] = flat[n + 1] end
local flags = {}
for n = 1, tonumber(arg()) do
  local id, token = arg(), arg()
  if held[id] == token then
    is_known_there[id] = true
    flags[n] = call('HGET', P .. 'j:' .. id, 'c') or '0'
  else
    flags[n] = ''
  end
end
local orphans = {}
for n = 1, #flat, 2 do
  local id = flat[n]
  if not is_known_there[id] then
    orphans[#orphans + 1] = told(id)
  end
end
wrote()
return {1, flags, orphans, call('HGETALL', P .. 'o'), call('HGETALL', P .. 'ol')}
