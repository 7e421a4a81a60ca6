-- How many edges may be told, then pairs of an id and the place among its edges from where to go on. Returns of each job
-- the place reached, "" for the end; its culprit with its last attempt, at its beginning; and what it gets.
local left = tonumber(ARGV[2])
local told = {}

local function last_success(h, id)
  local best, result = 0, nil
  local function note(fields, other)
    for field, value in pairs(fields) do
      local number = tonumber(string.match(field, '^%d+$') or 0)
      if number > best and string.match(value, ' SUCCESS$') then
        best = number
        local name = int(number) .. 'r'
        result = fields[name] or other[name]
      end
    end
  end
  local aside = as_table(call('HGETALL', P .. 'a:' .. id))
  note(h, aside)
  note(aside, h)
  return result or false
end

local function given(entry)
  local passing, known, id = string.sub(entry, 1, 1), string.sub(entry, 3, 3), string.sub(entry, 4)
  if passing == '0' or known ~= '.' then return nil end
  local one = told_job(id, false)
  if not one then return nil end
  return {id, one[1], one[2], passing, string.sub(entry, 2, 2), last_success(as_table(one[1]), id)}
end

for at = 3, #ARGV, 2 do
  local id, from = ARGV[at], tonumber(ARGV[at + 1])
  local e, culprit, known = unpack(call('HMGET', P .. 'j:' .. id, 'e', 'u', 'k'))
  if not known then
    told[#told + 1] = false
  else
    local entries = {}
    if e == '*' then
      entries = call('LRANGE', P .. 'e:' .. id, from, from + math.max(left, 1) - 1)
    elseif e then
      entries = {e}
    end
    local one = {e == '*' and #entries == math.max(left, 1) and int(from + #entries) or '', false, {}}
    left = left - #entries
    if from == 0 and culprit and culprit ~= '' then
      local job = told_job(culprit, false)
      if job then one[2] = {culprit, job[1], job[2], last_attempt(as_table(job[1]), culprit)} end
    end
    for _, entry in ipairs(entries) do one[3][#one[3] + 1] = given(entry) end
    told[#told + 1] = one
  end
end
return told
