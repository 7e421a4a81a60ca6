-- Jobs as scripts that write have them, and the sets, lists and counts in which they stand; see `keys.py`.
-- A job is read once and written once, at the end (`flush`); sets follow at once.

local PARKED = '253402300799999999'
local INLINE = 64
local AT_ONCE = 4000
local SUCCEEDED = 3

-- The script's arguments, one after the other.
local place = 1
local function arg()
  place = place + 1
  return ARGV[place]
end

local function some()
  local value = arg()
  if value ~= '' then return value end
  return nil
end

-- A script that frees, or must go on, begins with a write that takes no memory: then it is not refused where that is full.
local function in_any_case()
  call('DEL', P .. 'none')
end

-- A command with a list of any length; `unpack` has a limit.
local function many(command, key, list)
  for first = 1, #list, AT_ONCE do
    call(command, key, unpack(list, first, math.min(first + AT_ONCE - 1, #list)))
  end
end

-- Counts of jobs, and whom to ring; told at the end.
local counts, unbegun, woken = {}, {}, {}

local function count(state, queue, by)
  local name = state .. ':' .. queue
  counts[name] = (counts[name] or 0) + by
end

local function waiting(queue, task, by)
  local name = queue .. '\0' .. task
  unbegun[name] = (unbegun[name] or 0) + by
end

local function wakes(queue)
  woken[queue] = (woken[queue] or 0) + 1
end

-- Jobs read or made by this script: by id, false for one that is not there; and their fields that changed.
local known, changed = {}, {}

local function mapped(flat)
  local fields = {}
  for n = 1, #flat, 2 do
    fields[flat[n]] = flat[n + 1]
  end
  return fields
end

local function load(id)
  local j = known[id]
  if j == nil then
    local flat = call('HGETALL', P .. 'j:' .. id)
    if #flat == 0 then
      j = false
    else
      j = mapped(flat)
      j.id = id
    end
    known[id] = j
  end
  return j
end

local function put(j, field, value)
  if type(value) == 'number' then value = int(value) end
  if j[field] == value then return end
  j[field] = value
  local fields = changed[j.id]
  if not fields then
    fields = {}
    changed[j.id] = fields
  end
  fields[field] = true
end

local function is_final(j) return tonumber(j.s) >= SUCCEEDED end

local function score(priority, key)
  return int((9 - (priority or 0)) * 562949953421312 + key)
end

local function minute_of(time)
  return int(math.floor(time / 60000000))
end

-- Where a job stands by its state.

local function enter(j)
  local s, q = tonumber(j.s), j.q
  if s == 1 then
    call('ZADD', P .. 'r:' .. q, score(j.p, j.k), j.id)
    wakes(q)
  elseif s == 0 then
    if j.r == PARKED then
      local name = q .. '\0' .. j.t
      call('ZADD', P .. 'P:' .. name, score(j.p, j.k), j.id)
      call('SADD', P .. 'parked', name)
    else
      call('ZADD', P .. 'd:' .. q, j.r or j.i, j.id)
      wakes(q)
    end
  elseif s == -1 then
    call('ZADD', P .. 'w:' .. q, j.k, j.id)
    if (j.w or '0') == '0' then
      call('ZADD', P .. 'stuck', j.k, j.id)
      wakes(q)
    end
  elseif s > 3 then
    call('ZADD', P .. 'x:' .. j.s, j.k, j.id)
  end
  count(j.s, q, 1)
  if s < 2 then waiting(q, j.t, 1) end
end

local function left_apart(set, name)
  if call('EXISTS', P .. set .. name) == 0 then
    call('SREM', P .. (set == 'P:' and 'parked' or 'apart'), name)
  end
end

local function leave(j)
  local s, q = tonumber(j.s), j.q
  if s == 1 then
    if call('ZREM', P .. 'r:' .. q, j.id) == 0 then
      local name = q .. '\0' .. j.t
      call('ZREM', P .. 'r:' .. name, j.id)
      left_apart('r:', name)
    end
  elseif s == 0 then
    if j.r == PARKED then
      local name = q .. '\0' .. j.t
      call('ZREM', P .. 'P:' .. name, j.id)
      left_apart('P:', name)
    else
      call('ZREM', P .. 'd:' .. q, j.id)
    end
  elseif s == -1 then
    call('ZREM', P .. 'w:' .. q, j.id)
    call('ZREM', P .. 'stuck', j.id)
  elseif s == 2 then
    call('HDEL', P .. 'h:' .. j.o, j.id)
  elseif s > 3 then
    call('ZREM', P .. 'x:' .. j.s, j.id)
  end
  count(j.s, q, -1)
  if s < 2 then waiting(q, j.t, -1) end
end

local function show(j, word)
  if j.h == word then return end
  if j.h then call('ZREM', P .. 'hs:' .. j.h, j.id) end
  if word then call('ZADD', P .. 'hs:' .. word, j.k, j.id) end
  put(j, 'h', word)
end

local function unsaid(j)
  if j.m then
    call('DEL', P .. 'm:' .. j.id)
    put(j, 'm', nil)
  end
end

-- Arguments and options: in the hash, or where either is long, in a key of their own.
-- `options`: "" for none.
local function call_parts(id, args, options)
  if #args <= INLINE and #options <= INLINE then
    return args ~= '' and args or nil, options ~= '' and options or nil, nil
  end
  local whole = struct.pack('>I4', #args) .. args .. options
  call('SET', P .. 'p:' .. id, whole)
  return nil, nil, #whole
end

local function put_call(j, args, options)
  if j.L then call('DEL', P .. 'p:' .. j.id) end
  local short_args, short_options, length = call_parts(j.id, args, options)
  put(j, 'A', short_args)
  put(j, 'O', short_options)
  put(j, 'L', length)
end

-- What is over: single jobs by the minute, and workflows once none of theirs is unfinished.

local over, ended_in = {}, {}

local function finished(j, time)
  local minute, entry = minute_of(time), j.k
  local list = listed(ended_in, minute)
  list[#list + 1] = j.k
  if j.g then
    if call('HINCRBY', P .. 'go', j.g, -1) > 0 then return end
    call('HDEL', P .. 'go', j.g)
    entry = 'g' .. j.g
  end
  list = listed(over, minute)
  list[#list + 1] = entry
end

local function flush_job(id, fields)
  local j = known[id]
  local set, gone = {}, {}
  for field in pairs(fields) do
    local value = j[field]
    if value == nil then
      gone[#gone + 1] = field
    else
      set[#set + 1] = field
      set[#set + 1] = value
    end
  end
  if #set > 0 then call('HSET', P .. 'j:' .. id, unpack(set)) end
  if #gone > 0 then call('HDEL', P .. 'j:' .. id, unpack(gone)) end
end

local function flush_counts(key, by_name)
  for name, by in pairs(by_name) do
    if by ~= 0 and call('HINCRBY', P .. key, name, by) == 0 then
      call('HDEL', P .. key, name)
    end
  end
end

-- Writes what is to be written at the end, and rings.
local function flush()
  for id, fields in pairs(changed) do
    if known[id] then flush_job(id, fields) end
  end
  flush_counts('n', counts)
  flush_counts('t', unbegun)
  for minute, entries in pairs(ended_in) do
    many('RPUSH', P .. 'F:' .. minute, entries)
    call('ZADD', P .. 'fm', minute, minute)
  end
  for minute, entries in pairs(over) do
    many('RPUSH', P .. 'f:' .. minute, entries)
    call('ZADD', P .. 'fm', minute, minute)
  end
  wake(woken)
  wrote()
end
