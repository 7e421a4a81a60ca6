-- What jobs have to do with each other: tying, counting down, and what fails because of others.
-- An edge is written on both sides: "passing on_error mark id", the mark "!" if what is awaited was not known or is to
-- count as removed for ever, else ".". One stands in the hash (`e`, `b`), several in a list; then the hash says "*".

local function ties(j, field)
  local one = j[field]
  if not one then return {} end
  if one == '*' then return call('LRANGE', P .. field .. ':' .. j.id, 0, -1) end
  return {one}
end

local function tie(j, field, entry)
  local one, key = j[field], P .. field .. ':' .. j.id
  if not one and #entry <= INLINE then
    put(j, field, entry)
  elseif one == '*' or not one then
    call('RPUSH', key, entry)
    put(j, field, '*')
  else
    call('RPUSH', key, one, entry)
    put(j, field, '*')
  end
end

local function untie(j, field, entry)
  if j[field] == entry then
    put(j, field, nil)
  elseif j[field] == '*' then
    call('LREM', P .. field .. ':' .. j.id, 1, entry)
  end
end

local function kind(entry) return string.sub(entry, 1, 2) end
local function passing(entry) return string.sub(entry, 1, 1) end
local function on_error(entry) return string.sub(entry, 2, 2) end
local function is_known(entry) return string.sub(entry, 3, 3) == '.' end
local function other(entry) return string.sub(entry, 4) end

local function is_awaited(j) return tonumber(j.R or 0) % 2 == 1 end

local function mark_awaited(j)
  if not is_awaited(j) then put(j, 'R', tonumber(j.R or 0) + 1) end
end

local function waits_of(j) return tonumber(j.w or 0) end

local function by_key(one, another) return tonumber(one.k) < tonumber(another.k) end

-- Counting down

local function is_stuck(j)
  call('ZADD', P .. 'stuck', j.k, j.id)
  wakes(j.q)
end

local function let_go(j, now)
  if j.s ~= '-1' or waits_of(j) > 0 or j.u then return end
  leave(j)
  local at = tonumber(j.r or j.i)
  if at <= 0 then
    at = now - at
    put(j, 'r', at)
  end
  local expires = tonumber(j.x or 0)
  if expires < 0 then put(j, 'x', now - expires) end
  put(j, 's', at > now and 0 or 1)
  enter(j)
end

-- `culprit`: nil if there is none, '' if it is gone.
local function lower(j, culprit, now)
  if j.s ~= '-1' then return end
  local waits = waits_of(j)
  if waits > 0 then
    put(j, 'w', waits - 1)
    if culprit and not j.u then put(j, 'u', culprit) end
    if waits == 1 and j.u then is_stuck(j) end
  end
  let_go(j, now)
end

local function doom(j, culprit)
  if j.s == '-1' and waits_of(j) > 0 then
    put(j, 'w', 0)
    put(j, 'u', culprit)
    is_stuck(j)
  end
end

local function count_good(jobs, now)
  for _, j in ipairs(jobs) do
    for _, entry in ipairs(ties(j, 'b')) do
      local waiter = load(other(entry))
      if waiter then lower(waiter, nil, now) end
    end
  end
end

-- Tells what waits for jobs that they did not succeed, or that they were removed.
local function count_bad(jobs, now, removed)
  table.sort(jobs, by_key)
  local behind = {}
  for n, j in ipairs(jobs) do
    behind[n] = ties(j, 'b')
    for _, entry in ipairs(behind[n]) do
      local waiter = load(other(entry))
      if waiter and on_error(entry) == '0' then doom(waiter, removed and '' or j.id) end
    end
  end
  for n, j in ipairs(jobs) do
    for _, entry in ipairs(behind[n]) do
      local waiter, how = load(other(entry)), on_error(entry)
      if waiter and how ~= '0' then
        local culprit = nil
        if how == '1' then culprit = removed and '' or j.id end
        lower(waiter, culprit, now)
      end
    end
  end
end

-- Sets what a job that has not begun waits for, by where those jobs are now.
local function reckon(j, now)
  if j.s ~= '-1' and j.s ~= '1' then return end
  local unfinished, culprit, fails = 0, nil, false
  for _, entry in ipairs(ties(j, 'e')) do
    local awaited = is_known(entry) and load(other(entry))
    if awaited and not is_final(awaited) then
      unfinished = unfinished + 1
    elseif (awaited and awaited.s ~= '3' or not is_known(entry)) and on_error(entry) ~= '2' then
      culprit = culprit or (awaited and awaited.id) or ''
      fails = fails or on_error(entry) == '0'
    end
  end
  if unfinished > 0 or culprit then
    leave(j)
    put(j, 's', -1)
    put(j, 'w', fails and 0 or unfinished)
    put(j, 'u', culprit)
    enter(j)
  else
    -- Nothing to wait for any more: as if the last had just ended.
    if j.s == '-1' and waits_of(j) > 0 then
      put(j, 'w', 0)
      if j.u then is_stuck(j) end
    end
    let_go(j, now)
  end
end

-- No job waits for itself

local function unfinished_of(j)
  local found = {}
  for _, entry in ipairs(ties(j, 'e')) do
    local awaited = is_known(entry) and load(other(entry))
    if awaited and not is_final(awaited) then found[#found + 1] = awaited end
  end
  return found
end

local function leads(start, goal)
  local seen, ahead = {}, {start}
  while #ahead > 0 do
    local j = table.remove(ahead)
    if j == goal then return true end
    if not seen[j.id] then
      seen[j.id] = true
      for _, awaited in ipairs(unfinished_of(j)) do ahead[#ahead + 1] = awaited end
    end
  end
  return false
end

-- Lets a job wait for nothing that waits for the job itself: as if that had been removed.
local function cut_circles(j, now)
  local circling = {}
  for _, awaited in ipairs(unfinished_of(j)) do
    if leads(awaited, j) then circling[awaited.id] = awaited end
  end
  if not next(circling) then return end
  for n, entry in ipairs(ties(j, 'e')) do
    local awaited = is_known(entry) and circling[other(entry)]
    if awaited then
      local cut = kind(entry) .. '!' .. awaited.id
      if j.e == '*' then call('LSET', P .. 'e:' .. j.id, n - 1, cut) else put(j, 'e', cut) end
      untie(awaited, 'b', kind(entry) .. '.' .. j.id)
    end
  end
  reckon(j, now)
end

-- Tying

-- Writes what a job waits for: `after` are edges with the ids awaited.
local function tie_all(j, after)
  local entries = {}
  for n, entry in ipairs(after) do
    local awaited = load(other(entry))
    if awaited then
      entries[n] = entry
      mark_awaited(awaited)
      tie(awaited, 'b', kind(entry) .. '.' .. j.id)
    else
      entries[n] = kind(entry) .. '!' .. other(entry)
    end
  end
  if #entries == 1 and #entries[1] <= INLINE then
    put(j, 'e', entries[1])
  elseif #entries > 0 then
    many('RPUSH', P .. 'e:' .. j.id, entries)
    put(j, 'e', '*')
  end
end

-- Whatever waits for a list that `named` is in waits for the new job, too.
local function tie_beside(j, named)
  local longer = {}
  for _, entry in ipairs(ties(named, 'b')) do
    local waiter = load(other(entry))
    if waiter and passing(entry) >= '2' then
      tie(waiter, 'e', kind(entry) .. '.' .. j.id)
      tie(j, 'b', kind(entry) .. '.' .. waiter.id)
      longer[waiter.id] = waiter
    end
  end
  for _, waiter in pairs(longer) do
    if waiter.s == '-1' and waits_of(waiter) > 0 then put(waiter, 'w', waits_of(waiter) + 1) end
  end
end

-- Takes away what a job waits for. `gone`: ids of jobs that go themselves.
local function untie_all(j, gone)
  for _, entry in ipairs(ties(j, 'e')) do
    local id = other(entry)
    if is_known(entry) and not (gone and gone[id]) then
      local awaited = load(id)
      if awaited then untie(awaited, 'b', kind(entry) .. '.' .. j.id) end
    end
  end
  if j.e == '*' then call('DEL', P .. 'e:' .. j.id) end
  put(j, 'e', nil)
end
