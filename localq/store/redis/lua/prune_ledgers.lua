-- Before which instant, the limit, how many rows each keeps, how many schedules to look at, after which key. Returns how
-- many rows were removed, and the key to go on after, -1 when all were looked at.
call('DEL', P .. 'none')
local most, kept, looks = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local removed, place = 0, ARGV[6]
local keys = call('ZRANGEBYSCORE', P .. 'sl', '(' .. place, '+inf', 'LIMIT', 0, looks)
for _, key in ipairs(keys) do
  local ledger = P .. 'l:' .. key
  local spare = call('ZCARD', ledger) - kept
  if spare > 0 then
    local old = #call('ZRANGEBYSCORE', ledger, '-inf', '(' .. ARGV[2], 'LIMIT', 0, math.min(spare, most - removed))
    if old > 0 then
      call('ZREMRANGEBYRANK', ledger, 0, old - 1)
      removed = removed + old
    end
  end
  if removed >= most then
    -- The rest of this one comes next.
    wrote()
    return {removed, place}
  end
  place = key
end
if removed > 0 then wrote() end
return {removed, #keys < looks and '-1' or place}
