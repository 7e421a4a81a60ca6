-- Fires instants by hand: now, the schedule's key, entries, jobs. Returns of each entry whether it was written.
local now_text, key = arg(), arg()
local entries, jobs = read_entries(), read_jobs()
local told = {}
local v = call('HMGET', P .. 's:' .. key, 'revision', 'last_at')
if not v[1] then
  for n in ipairs(entries) do told[n] = 0 end
  return told
end
local written, last, _, refused = enter_instants(key, entries, now_text, false)
local any = false
for n, ok in ipairs(written) do
  told[n] = ok and 1 or 0
  any = any or ok
end
if any then
  local fields = {'revision', int(tonumber(v[1]) + 1)}
  follow_last(fields, v[2], last)
  write_schedule(key, fields)
end
local allowed = {}
allow(allowed, jobs, refused)
insert(allowed, tonumber(now_text), now_text)
if any or #allowed > 0 then flush() end
return told
