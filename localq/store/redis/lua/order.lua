-- now, the word that is rung, then four for each order: kind, name, + or -, value. Returns which of them changed.
local changed = {}
for at = 4, #ARGV, 4 do
  local kind, name = ARGV[at], ARGV[at + 1]
  local field = kind .. '\0' .. name
  local hash = P .. ((kind == 'pause' or kind == 'rate') and 'o' or 'ol')
  local held = call('HGET', hash, field)
  local value = ARGV[at + 2] == '+' and ARGV[at + 3]
  if held ~= value then
    if value then
      call('HSET', hash, field, value)
      call('HSET', P .. 'oa', field, ARGV[2])
    else
      call('HDEL', hash, field)
      call('HDEL', P .. 'oa', field)
    end
  end
  if kind == 'rate' then
    call('HDEL', P .. 'bk', name)
  end
  changed[#changed + 1] = held ~= value and 1 or 0
end
wrote()
call('PUBLISH', CH .. 'work', ARGV[3])
return changed
