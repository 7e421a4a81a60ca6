-- Cancels jobs: now, the flag to set, the word that is rung, and ids. Returns of each its state before, "" if unknown.
in_any_case()
local now_text, flag, word = arg(), arg(), arg()
local before, seen, awaited, told = {}, {}, {}, {}
for n = 1, tonumber(arg()) do
  local id = arg()
  seen[id] = seen[id] or cancel_one(id, now_text, flag, told, awaited) or ''
  before[n] = seen[id]
end
count_bad(awaited, tonumber(now_text))
if #told > 0 then flush() end
say('work', word)
tell(told)
return before
