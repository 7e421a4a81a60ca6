-- Writes what another store held, packed: jobs, edges, groups, tallies; and beside it the bytes of which that has the
-- numbers. Returns how many jobs and groups are new.
local portion = cmsgpack.unpack(ARGV[2])
local function data(number)
  return number and ARGV[2 + number] or nil
end
local fresh, jobs = 0, {}
for _, one in ipairs(portion.jobs) do
  if not load(one.id) then
    jobs[#jobs + 1] = one
    known[one.id] = {id = one.id}
  end
end
if #jobs > 0 then
  -- The first write is one that may be refused.
  local key = call('INCRBY', P .. 'k', #jobs) - #jobs
  for n, one in ipairs(jobs) do one.key = key + n end
end

local function list_in(one)
  local chunk = math.floor(one.key / 128)
  call('HSET', P .. 'c:' .. chunk, one.key % 128, one.id)
  call('ZADD', P .. 'cz', chunk, chunk)
  call('RPUSH', P .. 'i:' .. one.task, one.key)
  call('SADD', P .. 'q', one.queue)
  if one.workflow then call('RPUSH', P .. 'g:' .. one.workflow, one.id) end
end

local function is_over(j)
  if not is_final(j) then
    if j.g then call('HINCRBY', P .. 'go', j.g, 1) end
    return
  end
  local minute = minute_of(tonumber(j.f))
  local list = listed(ended_in, minute)
  list[#list + 1] = j.k
  list = listed(over, minute)
  if not j.g then
    list[#list + 1] = j.k
  elseif call('HEXISTS', P .. 'go', j.g) == 0 then
    list[#list + 1] = 'g' .. j.g
  end
end

for _, one in ipairs(jobs) do
  local j = known[one.id]
  put(j, 'k', one.key)
  for n = 1, #one.fields, 2 do put(j, one.fields[n], one.fields[n + 1]) end
  put_call(j, data(one.args), one.options)
  show(j, one.shown or nil)
  for _, run in ipairs(one.attempts) do
    record(j, run[1], run[2], run[3], data(run[4]), data(run[5]), data(run[6]))
  end
  if one.note then
    call('SET', P .. 'm:' .. j.id, data(one.note))
    put(j, 'm', 1)
  end
  list_in(one)
  enter(j)
  is_over(j)
end
fresh = #jobs

for _, one in ipairs(portion.ties) do
  local j = load(one.id)
  if j and not j.e then
    tie_all(j, one.after)
    if one.culprit then put(j, 'u', load(one.culprit) and one.culprit or '') end
  end
end

for _, one in ipairs(portion.groups) do
  if call('SETNX', P .. 'G:' .. one[1], data(one[2])) == 1 then
    call('ZADD', P .. 'Gz', one[3], one[1])
    fresh = fresh + 1
  end
end

for _, one in ipairs(portion.tallies) do add_tally(one[1], one[2], read_tally(one[3])) end
if #portion.tallies > 0 then coarsen(tonumber(portion.tallies[#portion.tallies][1])) end

-- Nobody is rung: who moves jobs says when they may run.
for queue in pairs(woken) do woken[queue] = nil end
flush()
return fresh
