-- A source, or nothing, and names; returns, of the source's schedules and of those named, the key and the fields of each.
local seen, told = {}, {}
local function tell(key)
  if key and not seen[key] then
    seen[key] = true
    told[#told + 1] = key
    told[#told + 1] = call('HGETALL', P .. 's:' .. key)
  end
end
if ARGV[2] ~= '' then
  for _, key in ipairs(call('SMEMBERS', P .. 'ss:' .. ARGV[2])) do tell(key) end
end
for at = 3, #ARGV do
  tell(call('HGET', P .. 'sn', ARGV[at]))
end
return told
