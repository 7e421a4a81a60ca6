-- An id, and how many; returns jobs that it waits for, or did: those that failed first, then the unfinished, each with its
-- id, fields and payload.
local id, most = ARGV[2], tonumber(ARGV[3])
local e = call('HGET', P .. 'j:' .. id, 'e')
local entries = e == '*' and call('LRANGE', P .. 'e:' .. id, 0, -1) or e and {e} or {}
local by_urgency = {{}, {}, {}}
for _, entry in ipairs(entries) do
  local awaited = string.sub(entry, 4)
  local state = string.sub(entry, 3, 3) == '.' and tonumber(call('HGET', P .. 'j:' .. awaited, 's') or nil)
  if state then
    local list = by_urgency[state > 3 and 1 or state < 3 and 2 or 3]
    list[#list + 1] = awaited
  end
end
local told = {}
for _, list in ipairs(by_urgency) do
  for _, awaited in ipairs(list) do
    if #told >= most then return told end
    told[#told + 1] = {awaited, unpack(told_job(awaited, false))}
  end
end
return told
