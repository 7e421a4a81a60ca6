-- The place, or nothing. Returns the last letter's key, and the letters after the place with their keys.
local last = call('GET', P .. 'ml') or '0'
local place = ARGV[2]
if place == '' or tonumber(place) >= tonumber(last) then
  return {last, {}}
end
local found = call('ZRANGEBYSCORE', P .. 'mail', '(' .. place, '+inf', 'WITHSCORES')
for at = 2, #found, 2 do
  found[at] = int(tonumber(found[at]))
end
return {last, found}
