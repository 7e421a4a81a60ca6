-- An id; returns its attempts that are kept, first to last.
local id = ARGV[2]
local h = as_table(call('HGETALL', P .. 'j:' .. id))
local numbers = {}
local function note(field)
  if string.match(field, '^%d+$') then numbers[#numbers + 1] = tonumber(field) end
end
for field in pairs(h) do note(field) end
for _, field in ipairs(call('HKEYS', P .. 'a:' .. id)) do
  if not h[field] then note(field) end
end
table.sort(numbers)
local told = {}
for _, number in ipairs(numbers) do told[#told + 1] = told_attempt(h, id, int(number)) end
return told
