-- Schedules, packed: of each the key, or nothing for a new one, the revision read, name, source, and fields with their
-- values. Returns of each whether it was written: not if another program came between.
local done, any = {}, false
for n, one in ipairs(cmsgpack.unpack(ARGV[2])) do
  local key, revision, name, source, fields = one[1], one[2], one[3], one[4], one[5]
  local was = nil
  local ok
  if key == '' then
    ok = call('HEXISTS', P .. 'sn', name) == 0
    if ok then
      key = int(call('INCR', P .. 'sk'))
      call('HSET', P .. 'sn', name, key)
      call('ZADD', P .. 'sz', 0, name)
      revision = '0'
    end
  else
    local held = call('HMGET', P .. 's:' .. key, 'revision', 'source')
    ok = held[1] == revision
    was = held[2]
  end
  if ok then
    any = true
    fields[#fields + 1] = 'revision'
    fields[#fields + 1] = int(tonumber(revision) + 1)
    if was and was ~= source then call('SREM', P .. 'ss:' .. was, key) end
    call('SADD', P .. 'ss:' .. source, key)
    write_schedule(key, fields)
  end
  done[n] = ok and 1 or 0
end
if any then
  wrote()
  call('PUBLISH', CH .. 'sch', '')
end
return done
