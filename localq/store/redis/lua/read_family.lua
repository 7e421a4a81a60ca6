-- Ids; returns of each job that is there its fields, payload, and what it waits for: edges, "?" before those that are
-- gone.
local told = {}
for n = 2, #ARGV do
  local id = ARGV[n]
  local one = told_job(id, false)
  if one then
    local e = field_of(one[1], 'e')
    local entries = e == '*' and call('LRANGE', P .. 'e:' .. id, 0, -1) or e and {e} or {}
    for at, entry in ipairs(entries) do
      local gone = string.sub(entry, 3, 3) ~= '.' or call('EXISTS', P .. 'j:' .. string.sub(entry, 4)) == 0
      if gone then entries[at] = '?' .. entry end
    end
    one[3] = entries
  end
  told[n - 1] = one
end
return told
