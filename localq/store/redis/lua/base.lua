-- Every script begins with this: it writes nothing where the store is not what its caller knows.
-- KEYS[1] is the key `fmt`, ARGV[1] what must be in it; a script's own arguments follow.
local P = string.sub(KEYS[1], 1, -4)
local call = redis.call
local found = call('GET', KEYS[1])
if found ~= ARGV[1] then
  return redis.error_reply('LQFMT ' .. (found or ''))
end
-- What channels begin with: those of other databases of the server are heard here too.
local CH = P .. string.sub(ARGV[1], 3) .. ':'

-- Numbers leave Lua so: as they are, large ones would become 1.75e+15.
local function int(number)
  return string.format('%.0f', number)
end

-- Says that something was written; once a script, at its end.
local function wrote()
  call('INCR', P .. 'v')
end

-- The list of that name among lists, made where it is not there yet.
local function listed(lists, name)
  local list = lists[name]
  if not list then
    list = {}
    lists[name] = list
  end
  return list
end
