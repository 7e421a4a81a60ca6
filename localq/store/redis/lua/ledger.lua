-- Entries of a schedule's ledger as scripts that write have them. "nominal=outcome|fired_at|count|until|job|reason", in
-- which | is a NUL and the outcome f or s.

local function read_entry()
  return {at = arg(), outcome = arg(), count = arg(), till = arg(), job = arg(), reason = arg()}
end

local function read_entries()
  local entries = {}
  for n = 1, tonumber(arg()) do entries[n] = read_entry() end
  return entries
end

local function entry_text(at, ...)
  return at .. '=' .. table.concat({...}, '\0')
end

-- Enters an instant; returns whether it was written.
local function enter_instant(key, e, now_text)
  local ledger = P .. 'l:' .. key
  local old = call('ZRANGEBYSCORE', ledger, e.at, e.at)[1]
  if not old then
    call('ZADD', ledger, e.at, entry_text(e.at, e.outcome, now_text, e.count, e.till, e.job, e.reason))
    call('ZADD', P .. 'sl', key, key)
    return true
  end
  local outcome, count, till = string.match(old, '^%d+=(%a)%z%d+%z(%d+)%z(%d*)%z')
  if outcome == 's' and e.outcome == 'f' then
    call('ZREM', ledger, old)
    call('ZADD', ledger, e.at, entry_text(e.at, 'f', now_text, count, till, e.job, e.reason))
    return true
  end
  return false
end

-- Returns the latest instant of a ledger that fired, and its job; nothing if none has.
local function last_fired(key)
  local first = 0
  while true do
    local found = call('ZREVRANGE', P .. 'l:' .. key, first, first + 99)
    for _, text in ipairs(found) do
      local at, job = string.match(text, '^(%d+)=f%z%d+%z%d+%z%d*%z([^%z]*)%z')
      if at then return at, job ~= '' and job end
    end
    if #found < 100 then return nil, nil end
    first = first + 100
  end
end

-- Enters instants. Returns of each whether it was written, the latest that fired among those written (or among all, if
-- told so) with its job, how many had fired before, and the jobs of those.
local function enter_instants(key, entries, now_text, among_all)
  local written, refused, again, last = {}, {}, 0, nil
  for n, e in ipairs(entries) do
    written[n] = enter_instant(key, e, now_text)
    if e.outcome == 'f' then
      if not written[n] then
        again = again + 1
        refused[e.job] = true
      end
      if (written[n] or among_all) and (not last or tonumber(e.at) > tonumber(last.at)) then last = e end
    end
  end
  return written, last, again, refused
end

local function follow_last(fields, held_last, last)
  if last and (not held_last or tonumber(held_last) <= tonumber(last.at)) then
    fields[#fields + 1] = 'last_at'
    fields[#fields + 1] = last.at
    fields[#fields + 1] = 'last_job'
    fields[#fields + 1] = last.job ~= '' and last.job
  end
end

-- Appends to `to` the jobs that are none of those refused.
local function allow(to, jobs, refused)
  for _, new in ipairs(jobs) do
    if not refused[new.id] then to[#to + 1] = new end
  end
end
