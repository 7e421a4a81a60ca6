-- Makes finished jobs ready again: now, and ids. In a workflow they bring back what they cannot do without, and what
-- failed because of them. Returns the ids of all that are.
local now_text = arg()
local now = tonumber(now_text)

local function again(j)
  if not is_final(j) then return false end
  leave(j)
  put(j, 's', 1)
  put(j, 'r', now_text ~= j.i and now_text or nil)
  for _, field in ipairs({'f', 'x', 'y', 'z', 'c', 'u'}) do put(j, field, nil) end
  show(j, nil)
  unsaid(j)
  if j.g then call('HINCRBY', P .. 'go', j.g, 1) end
  enter(j)
  return true
end

local function bad_ties(j)
  local found = {}
  for _, entry in ipairs(ties(j, 'e')) do
    local awaited = is_known(entry) and on_error(entry) ~= '2' and load(other(entry))
    if awaited and tonumber(awaited.s) > SUCCEEDED then found[#found + 1] = awaited end
  end
  return found
end

local requeued = {}

local function needed(level)
  local found, also = {}, {}
  for _, j in ipairs(level) do
    for _, awaited in ipairs(bad_ties(j)) do found[#found + 1] = awaited end
  end
  while #found > 0 do
    local j = table.remove(found)
    if again(j) then
      requeued[#requeued + 1] = j.id
      also[#also + 1] = j
      for _, awaited in ipairs(bad_ties(j)) do found[#found + 1] = awaited end
    end
  end
  for _, j in ipairs(also) do level[#level + 1] = j end
end

local function waiters_of(level)
  local waiters, seen = {}, {}
  for _, j in ipairs(level) do
    for _, entry in ipairs(ties(j, 'b')) do
      local waiter = load(other(entry))
      if waiter and not seen[waiter.id] then
        seen[waiter.id] = true
        waiters[#waiters + 1] = waiter
      end
    end
  end
  table.sort(waiters, by_key)
  return waiters
end

local function behind_again(level)
  local is_in, revived = {}, {}
  for _, j in ipairs(level) do is_in[j.id] = true end
  for _, waiter in ipairs(waiters_of(level)) do
    if waiter.s == '-1' then
      reckon(waiter, now)
    elseif tonumber(waiter.s) > SUCCEEDED and waiter.u and is_in[waiter.u] then
      local others = bad_ties(waiter)
      if #others > 0 then
        put(waiter, 'u', others[1].id)
      elseif again(waiter) then
        revived[#revived + 1] = waiter
      end
    end
  end
  return revived
end

local level = {}
for _ = 1, tonumber(arg()) do
  local j = load(arg())
  if j and again(j) then
    requeued[#requeued + 1] = j.id
    if j.R or j.g then level[#level + 1] = j end
  end
end
while #level > 0 do
  needed(level)
  for _, j in ipairs(level) do reckon(j, now) end
  level = behind_again(level)
end
if #requeued > 0 then flush() end
return requeued
