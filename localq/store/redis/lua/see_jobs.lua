-- Ids; returns of each job its fields, payload, last attempt, and the data of its last note.
local told = {}
for n = 2, #ARGV do
  local id = ARGV[n]
  local one = told_job(id, false)
  if one then
    local h = as_table(one[1])
    one[3] = h.a and last_attempt(h, id) or false
    one[4] = (h.h or h.s == '2') and call('GET', P .. 'm:' .. id) or false
  end
  told[n - 1] = one
end
return told
