-- Tells some of what there is, in the order of adding: "jobs" or "ties", behind which key, how many, and how many to look
-- at. Returns the key of the last looked at, "" for the end, and of each job its id, fields, and arguments, or edges.
local held, after, most, look = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local told, looked, last = {}, 0, ''

local function whole(id)
  local one = told_job(id, true)
  return {id, one[1], one[2], attempts_of(as_table(one[1]), id), call('GET', P .. 'm:' .. id)}
end

local function waiter(id)
  local v = call('HMGET', P .. 'j:' .. id, 'e', 'u', 'k')
  if not v[1] then return nil end
  local entries = v[1] == '*' and call('LRANGE', P .. 'e:' .. id, 0, -1) or {v[1]}
  for n, entry in ipairs(entries) do
    local gone = string.sub(entry, 3, 3) ~= '.' or call('EXISTS', P .. 'j:' .. string.sub(entry, 4)) == 0
    if gone then entries[n] = '?' .. entry end
  end
  return {id, v[3], v[2], entries}
end

local from = math.floor((after + 1) / 128)
while true do
  local chunks = call('ZRANGEBYSCORE', P .. 'cz', int(from), '+inf', 'LIMIT', 0, 32)
  for _, chunk in ipairs(chunks) do
    local slots = as_table(call('HGETALL', P .. 'c:' .. chunk))
    local first = tonumber(chunk) * 128
    for slot = math.max(0, after + 1 - first), 127 do
      local id = slots[int(slot)]
      if id then
        if #told >= most or looked >= look then return {last, unpack(told)} end
        looked = looked + 1
        last = int(first + slot)
        told[#told + 1] = held == 'jobs' and whole(id) or held == 'ties' and waiter(id) or nil
      end
    end
    from = tonumber(chunk) + 1
  end
  if #chunks < 32 then return {'', unpack(told)} end
end
