-- Jobs as scripts that only read tell them.

-- The key of the payload: with the arguments, or the options alone.
local function payload_of(id, args)
  local key = P .. 'p:' .. id
  if args then return call('GET', key) end
  local length = call('GETRANGE', key, 0, 3)
  if #length < 4 then return false end
  return '\0\0\0\0' .. call('GETRANGE', key, 4 + struct.unpack('>I4', length), -1)
end

local function field_of(flat, name)
  for n = 1, #flat, 2 do
    if flat[n] == name then return flat[n + 1] end
  end
  return nil
end

-- Returns {fields, payload}, or false if there is no such job.
local function told_job(id, args)
  local flat = call('HGETALL', P .. 'j:' .. id)
  if #flat == 0 then return false end
  return {flat, field_of(flat, 'L') and payload_of(id, args) or false}
end

local function name_of(number)
  return call('HGET', P .. 'nm', '#' .. number) or ''
end

-- Returns {number, what is said of it, its worker's name, result, failure, output} of an attempt, or false.
local function told_attempt(h, id, number)
  local parts = {}
  for n, suffix in ipairs({'', 'r', 'f', 'o'}) do
    local field = number .. suffix
    parts[n] = h[field] or call('HGET', P .. 'a:' .. id, field)
    if n == 1 and not parts[1] then return false end
  end
  return {number, parts[1], name_of(string.match(parts[1], '^%S+')), parts[2], parts[3], parts[4]}
end

local function as_table(flat)
  local h = {}
  for n = 1, #flat, 2 do h[flat[n]] = flat[n + 1] end
  return h
end

-- Returns the last attempt that is kept, or false.
local function last_attempt(h, id)
  local last = tonumber(h.a or 0)
  for number = last, math.max(1, last - 20), -1 do
    local found = told_attempt(h, id, int(number))
    if found then return found end
  end
  local best = 0
  for _, field in ipairs(call('HKEYS', P .. 'a:' .. id)) do
    best = math.max(best, tonumber(string.match(field, '^%d+$') or 0))
  end
  return best > 0 and told_attempt(h, id, int(best))
end

-- Returns all attempts that are kept, first to last.
local function attempts_of(h, id)
  local numbers, told = {}, {}
  local function note(field)
    if string.match(field, '^%d+$') then numbers[#numbers + 1] = tonumber(field) end
  end
  for field in pairs(h) do note(field) end
  for _, field in ipairs(call('HKEYS', P .. 'a:' .. id)) do
    if not h[field] then note(field) end
  end
  table.sort(numbers)
  for n, number in ipairs(numbers) do told[n] = told_attempt(h, id, int(number)) end
  return told
end
