-- Removes some of the jobs that wait in queues, all or those named; returns how many.
in_any_case()
local most, queues = tonumber(arg()), {}
local named = arg()
if named == '' then
  queues = call('SMEMBERS', P .. 'q')
else
  for n = 1, tonumber(named) do queues[n] = arg() end
end
local is_purged = {}
for _, queue in ipairs(queues) do is_purged[queue] = true end

local jobs = {}
local function take(set)
  if #jobs >= most then return end
  for _, id in ipairs(call('ZRANGE', P .. set, 0, most - #jobs - 1)) do jobs[#jobs + 1] = load(id) end
end

for queue in pairs(is_purged) do
  take('w:' .. queue)
  take('d:' .. queue)
  take('r:' .. queue)
end
for list, set in pairs({parked = 'P:', apart = 'r:'}) do
  for _, name in ipairs(call('SMEMBERS', P .. list)) do
    if is_purged[string.match(name, '^%Z*')] then take(set .. name) end
  end
end
count_bad(jobs, 0, true)
local removed = drop(jobs)
if removed > 0 then flush() end
return removed
