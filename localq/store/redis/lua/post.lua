-- letter, token, now, the word that is rung. Those that have expired go, with the answers to them.
local now = tonumber(ARGV[4])
local function drop(key)
  call('ZREMRANGEBYSCORE', P .. 'mail', key, key)
  call('DEL', P .. 'ans:' .. key)
end
local old = call('ZRANGE', P .. 'mail', 0, -1, 'WITHSCORES')
for at = 1, #old, 2 do
  local letter = cmsgpack.unpack(old[at])
  if tonumber(letter[4]) < now then
    call('HDEL', P .. 'mt', letter[6])
    drop(int(tonumber(old[at + 1])))
  end
end
local key = call('HGET', P .. 'mt', ARGV[3])
if not key then
  -- By the server's time: what is lost with a server's last seconds is not given to another letter.
  local time = call('TIME')
  key = int(math.max(tonumber(time[1]) * 1000000 + tonumber(time[2]), tonumber(call('GET', P .. 'ml') or 0) + 1))
  call('SET', P .. 'ml', key)
  call('ZADD', P .. 'mail', key, ARGV[2])
  call('HSET', P .. 'mt', ARGV[3], key)
end
wrote()
call('PUBLISH', CH .. 'work', ARGV[5])
return key
