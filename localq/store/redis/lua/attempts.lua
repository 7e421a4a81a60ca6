-- Attempts of jobs, as scripts that write them down have them.

local KEPT = 20
local numbers = {}

-- Workers are known by a number in attempts: their names are long, and few.
local function number_of(name)
  if not numbers[name] then
    local number = call('HGET', P .. 'nm', 'n' .. name)
    if not number then
      number = int(call('HINCRBY', P .. 'nm', 'last', 1))
      call('HSET', P .. 'nm', 'n' .. name, number, '#' .. number, name)
    end
    numbers[name] = number
  end
  return numbers[name]
end

-- A part of an attempt: in the hash, or where it is long, in another.
local function keep(j, field, value)
  if value and #value > INLINE then
    call('HSET', P .. 'a:' .. j.id, field, value)
    value = nil
  end
  put(j, field, value)
end

local function set_aside(j, number)
  local parts = {}
  for _, field in ipairs({number, number .. 'r', number .. 'f', number .. 'o'}) do
    if j[field] then
      parts[#parts + 1] = field
      parts[#parts + 1] = j[field]
      put(j, field, nil)
    end
  end
  if #parts > 0 then call('HSET', P .. 'a:' .. j.id, unpack(parts)) end
end

-- Writes down an attempt; `text` is what is said of it after its worker.
local function record(j, number, worker, text, result, failure, output)
  if j[number] then call('HDEL', P .. 'a:' .. j.id, number .. 'r', number .. 'f', number .. 'o') end
  put(j, number, number_of(worker) .. ' ' .. text)
  keep(j, number .. 'r', result)
  keep(j, number .. 'f', failure)
  keep(j, number .. 'o', output)
  if tonumber(number) > KEPT then set_aside(j, int(tonumber(number) - KEPT)) end
end
