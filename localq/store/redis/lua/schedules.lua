-- Schedules as scripts that write have them; see `keys.py`.

-- As members of sorted sets keys have one length: those of one time stand in the order of keys.
local function member(key)
  return string.format('%016.0f', tonumber(key))
end

local function score_in(set, at, state, key)
  if state == '0' and at then
    call('ZADD', P .. set, at, member(key))
  else
    call('ZREM', P .. set, member(key))
  end
end

-- Enters a schedule among those that are due some time, or held, if it is active.
local function place_schedule(key)
  local v = call('HMGET', P .. 's:' .. key, 'state', 'due_at', 'held_at')
  score_in('sd', v[2], v[1], key)
  score_in('sh', v[3], v[1], key)
end

-- Writes fields, one after the other with their values; false takes one away.
local function write_schedule(key, fields)
  local set, gone = {}, {}
  for at = 1, #fields, 2 do
    if fields[at + 1] then
      set[#set + 1] = fields[at]
      set[#set + 1] = fields[at + 1]
    else
      gone[#gone + 1] = fields[at]
    end
  end
  if #set > 0 then call('HSET', P .. 's:' .. key, unpack(set)) end
  if #gone > 0 then call('HDEL', P .. 's:' .. key, unpack(gone)) end
  place_schedule(key)
end
