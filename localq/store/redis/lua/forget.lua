-- Removes finished jobs by their ids, unless an unfinished one waits for them; returns how many.
in_any_case()
local jobs, seen = {}, {}
for _ = 1, tonumber(arg()) do
  local j = load(arg())
  if j and not seen[j.id] and is_final(j) and not is_needed(j) then
    seen[j.id] = true
    jobs[#jobs + 1] = j
  end
end
local removed = drop(jobs)
if removed > 0 then flush() end
return removed
