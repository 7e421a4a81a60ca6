-- now, the limit, and, unless the next is *, sources. Returns when the next is due or "", and key and fields of those due,
-- the longest first, and of those held.
local now, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local sources = nil
if ARGV[4] ~= '*' then
  sources = {}
  for at = 5, #ARGV do sources[ARGV[at]] = true end
end
local told, seen, next_due = {}, {}, ''

local function is_meant(key)
  return not sources or sources[call('HGET', P .. 's:' .. key, 'source')]
end

local function tell(key)
  seen[key] = true
  told[#told + 1] = key
  told[#told + 1] = call('HGETALL', P .. 's:' .. key)
end

local first, found = 0, nil
repeat
  found = call('ZRANGE', P .. 'sd', first, first + 99, 'WITHSCORES')
  for at = 1, #found, 2 do
    local key, due = int(tonumber(found[at])), tonumber(found[at + 1])
    if is_meant(key) then
      if due > now or #told >= 2 * most then
        next_due = int(due)
        break
      end
      tell(key)
    end
  end
  first = first + 100
until next_due ~= '' or #found < 200

for _, entry in ipairs(call('ZRANGE', P .. 'sh', 0, -1)) do
  local key = int(tonumber(entry))
  if not seen[key] and is_meant(key) then tell(key) end
end
return {next_due, told}
