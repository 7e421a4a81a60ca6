-- Counts ready jobs of the queues served, no further than told: most, queues or "", those excluded.
local place = 1
local function arg()
  place = place + 1
  return ARGV[place]
end
local most, total, is_served, is_barred = tonumber(arg()), 0, {}, {}
local named = arg()
local queues = {}
for n = 1, tonumber(named) or 0 do queues[n] = arg() end
for _ = 1, tonumber(arg()) do is_barred[arg()] = true end
for _, queue in ipairs(named ~= '' and queues or call('SMEMBERS', P .. 'q')) do
  if not is_barred[queue] and not is_served[queue] then
    is_served[queue] = true
    total = total + call('ZCARD', P .. 'r:' .. queue)
  end
end
for _, name in ipairs(call('SMEMBERS', P .. 'apart')) do
  if is_served[string.match(name, '^%Z*')] then total = total + call('ZCARD', P .. 'r:' .. name) end
end
return math.min(most, total)
