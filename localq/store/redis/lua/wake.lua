-- Who is rung. `idle:<queue>` and `idle` have the bells of workers that found too little at their last claim, or have
-- not claimed yet; `rung` those that were rung since. A worker that has its hands full is in none of them.

local function say(channel, words)
  return call('PUBLISH', CH .. channel, words)
end

-- Rings one bell of a set that hears this queue; returns whether there was one.
local function ring_one(set, queue)
  local aside = {}
  local rung = false
  while not rung do
    local bell = call('SPOP', set)
    if not bell then break end
    local barred = call('HGET', P .. 'ix', bell)
    if barred and string.find(barred, '\0' .. queue .. '\0', 1, true) then
      aside[#aside + 1] = bell
    elseif say('bell:' .. bell, '') > 0 then
      call('SADD', P .. 'rung', bell)
      rung = true
    else
      -- Nobody has it any more.
      call('HDEL', P .. 'ix', bell)
    end
  end
  for _, bell in ipairs(aside) do
    call('SADD', set, bell)
  end
  return rung
end

-- Rings workers for jobs that may be claimed, or have a new time. `jobs`: by queue, how many there are.
local function wake(jobs)
  local again = false
  for queue, count in pairs(jobs) do
    local rang = false
    while count > 0 and (ring_one(P .. 'idle:' .. queue, queue) or ring_one(P .. 'idle', queue)) do
      count = count - 1
      rang = true
    end
    again = again or not rang
  end
  if again then
    -- Those on their way to a claim: it may be over before this is there.
    for _, bell in ipairs(call('SMEMBERS', P .. 'rung')) do
      if say('bell:' .. bell, '') == 0 then
        call('SREM', P .. 'rung', bell)
      end
    end
  end
end

-- At a claim's end. `bell`: of the worker's process, empty where it has none. `enough`: it got all it asked for.
-- `queues`: those served, nil for all but those `barred`.
local function rest(bell, enough, queues, barred)
  if bell == '' then return end
  call('SREM', P .. 'rung', bell)
  local act = enough and 'SREM' or 'SADD'
  if queues then
    for _, queue in ipairs(queues) do
      call(act, P .. 'idle:' .. queue, bell)
    end
    call('SREM', P .. 'idle', bell)
    return
  end
  if not enough and barred and #barred > 0 then
    call('HSET', P .. 'ix', bell, '\0' .. table.concat(barred, '\0') .. '\0')
  end
  call(act, P .. 'idle', bell)
end

-- Tells who waits for results. `ids`: of jobs that have ended.
local function tell(ids)
  if #ids == 0 then return end
  say('res', table.concat(ids, ' '))
  if call('EXISTS', P .. 'ch') == 1 then
    for _, id in ipairs(ids) do
      say('res:' .. id, id)
    end
  end
end
