-- How many are looked at, and a queue. Of its ready jobs of each priority the first so many: returns since when the
-- longest waits or "", when the queue's first scheduled job is to run or "", and tasks with their counts.
local most, queue = tonumber(ARGV[2]), ARGV[3]
local BAND = 562949953421312
local oldest, tasks = nil, {}

local sets = {P .. 'r:' .. queue}
for _, name in ipairs(call('SMEMBERS', P .. 'apart')) do
  if string.match(name, '^(%Z*)%z') == queue then sets[#sets + 1] = P .. 'r:' .. name end
end
for _, set in ipairs(sets) do
  local band = 0
  while band < 10 do
    local ids = call('ZRANGEBYSCORE', set, int(band * BAND), '(' .. int((band + 1) * BAND), 'LIMIT', 0, most)
    for _, id in ipairs(ids) do
      local v = call('HMGET', P .. 'j:' .. id, 't', 'r', 'i')
      if v[1] then
        tasks[v[1]] = (tasks[v[1]] or 0) + 1
        local at = tonumber(v[2] or v[3])
        if not oldest or at < oldest then oldest = at end
      end
    end
    band = band + 1
  end
end
local due = call('ZRANGE', P .. 'd:' .. queue, 0, 0, 'WITHSCORES')[2]
local told = {oldest and int(oldest) or '', due and int(tonumber(due)) or ''}
for task, count in pairs(tasks) do
  told[#told + 1] = task
  told[#told + 1] = count
end
return told
