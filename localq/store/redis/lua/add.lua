-- Adds jobs; returns of each 1 if it is new, else 0.
local now_text = arg()
local is_new = insert(read_jobs(), tonumber(now_text), now_text)
local told, any = {}, false
for n, new in ipairs(is_new) do
  told[n] = new and 1 or 0
  any = any or new
end
if any then flush() end
return told
