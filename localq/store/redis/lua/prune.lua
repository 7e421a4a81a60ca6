-- Removes up to so many jobs that finished before a time: before, limit. Workers gone before it go too, and saved groups.
-- Returns how many jobs were removed.
in_any_case()
local before_text, limit = arg(), tonumber(arg())
local before = tonumber(before_text)
local last = minute_of(before)
local removed, looked = 0, 0
local chosen, is_chosen = {}, {}

local function is_old(j) return is_final(j) and tonumber(j.f) < before end

local function choose(j)
  if not is_chosen[j.id] then
    is_chosen[j.id] = true
    chosen[#chosen + 1] = j
  end
end

local function look_again(entry)
  local time = call('TIME')
  call('ZADD', P .. 'fk', int(time[1] * 1000000 + time[2]), entry)
end

-- What is to become of an entry: nil if it is done with, "later" if others need it, else the minute it belongs to.

local function single(key)
  local id = id_of(key)
  local j = id and load(id)
  if not j or not is_final(j) or j.g then return nil end
  if not is_old(j) then return minute_of(tonumber(j.f)) end
  if is_needed(j) then return 'later' end
  choose(j)
  return nil
end

-- All of a workflow, or as much of it as one call removes.
local function workflow(name)
  if call('HEXISTS', P .. 'go', name) == 1 then return nil end
  local jobs, newest = {}, 0
  for _, id in ipairs(call('LRANGE', P .. 'g:' .. name, 0, -1)) do
    local j = load(id)
    if j then
      if not is_final(j) then return nil end
      jobs[#jobs + 1] = j
      newest = math.max(newest, tonumber(j.f))
    end
  end
  looked = looked + #jobs
  if newest >= before then return minute_of(newest) end
  local kept, left = false, false
  for _, j in ipairs(jobs) do
    if is_needed(j) then
      kept = true
    elseif removed + #chosen < limit then
      choose(j)
    else
      left = true
    end
  end
  return left and 'left' or kept and 'later' or nil
end

local function decide(entry)
  looked = looked + 1
  if string.sub(entry, 1, 1) == 'g' then return workflow(string.sub(entry, 2)) end
  return single(tonumber(entry))
end

local function go_on() return removed + #chosen < limit and looked < 4 * limit + 100 end

local function through(minute)
  local key = P .. 'f:' .. minute
  local left = call('LLEN', key)
  while left > 0 and go_on() do
    local entries, stay, done = call('LRANGE', key, 0, math.min(left, 100) - 1), {}, 0
    for _, entry in ipairs(entries) do
      if not go_on() then break end
      local fate = decide(entry)
      if fate == 'left' then break end
      done = done + 1
      if fate == 'later' then
        look_again(entry)
      elseif fate == minute then
        stay[#stay + 1] = entry
      elseif fate and string.sub(entry, 1, 1) == 'g' then
        call('RPUSH', P .. 'f:' .. fate, entry)
        call('ZADD', P .. 'fm', fate, fate)
      end
    end
    if done > 0 then call('LTRIM', key, done, -1) end
    many('RPUSH', key, stay)
    left = left - done
    if done < #entries then break end
  end
  if call('EXISTS', key) == 0 and call('EXISTS', P .. 'F:' .. minute) == 0 then call('ZREM', P .. 'fm', minute) end
end

-- Those that others needed: a few at a time, in turn.
for _, entry in ipairs(call('ZRANGE', P .. 'fk', 0, limit - 1)) do
  if not go_on() then break end
  local fate = decide(entry)
  if fate then look_again(entry) else call('ZREM', P .. 'fk', entry) end
end
for _, minute in ipairs(call('ZRANGEBYSCORE', P .. 'fm', '-inf', last)) do
  if not go_on() then break end
  through(minute)
end
removed = drop(chosen)

-- A worker that holds jobs stays known: they are lost, and not nobody's.
for _, worker in ipairs(call('ZRANGEBYSCORE', P .. 'wg', '-inf', '(' .. before_text)) do
  drop_worker(worker)
end
local groups = call('ZRANGEBYSCORE', P .. 'Gz', '-inf', '(' .. before_text, 'LIMIT', 0, AT_ONCE)
for _, id in ipairs(groups) do
  call('DEL', P .. 'G:' .. id)
  call('ZREM', P .. 'Gz', id)
end
flush()
return removed
