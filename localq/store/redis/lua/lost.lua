-- Returns jobs of workers that are gone, each with its `id`, up to so many.
local most = tonumber(ARGV[2])
local found = {}
local gone = call('ZRANGE', P .. 'wg', 0, -1)
for _, worker in ipairs(gone) do
  if #found >= most then break end
  for _, id in ipairs(call('HKEYS', P .. 'h:' .. worker)) do
    if #found >= most then break end
    found[#found + 1] = told(id)
  end
end
return found
