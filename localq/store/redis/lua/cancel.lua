-- Cancels jobs: now, the flag to set, the word that is rung, and ids. Returns of each its state before, "" if unknown.
in_any_case()
local now_text, flag, word = arg(), arg(), arg()
local now = tonumber(now_text)
local before, seen, awaited, told = {}, {}, {}, {}
for n = 1, tonumber(arg()) do
  local j = load(arg())
  before[n] = j and (seen[j.id] or j.s) or ''
  if j and not seen[j.id] then
    seen[j.id] = j.s
    if j.s == '2' then
      if tonumber(flag) > 1 or (j.c or '0') == '0' then put(j, 'c', flag) end
      told[#told + 1] = j.id
    elseif not is_final(j) then
      leave(j)
      put(j, 's', 5)
      put(j, 'f', now_text)
      put(j, 'c', flag)
      show(j, nil)
      unsaid(j)
      finished(j, now)
      enter(j)
      told[#told + 1] = j.id
      if j.b then awaited[#awaited + 1] = j end
    end
  end
end
count_bad(awaited, now)
if next(seen) then flush() end
say('work', word)
tell(told)
return before
