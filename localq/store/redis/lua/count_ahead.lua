-- An id, and how far to count; returns how many ready jobs stand before it in its queue.
local v = call('HMGET', P .. 'j:' .. ARGV[2], 's', 'q', 'p', 'k')
if v[1] ~= '1' then return 0 end
local own = '(' .. int((9 - (v[3] or 0)) * 562949953421312 + v[4])
local count = call('ZCOUNT', P .. 'r:' .. v[2], '-inf', own)
for _, name in ipairs(call('SMEMBERS', P .. 'apart')) do
  if string.match(name, '^(%Z*)%z') == v[2] then count = count + call('ZCOUNT', P .. 'r:' .. name, '-inf', own) end
end
return math.min(count, tonumber(ARGV[3]))
