-- Cancelling jobs.

-- Cancels a job, with the flag that one that runs gets. Adds to `told` those it is told of, to `awaited` those that others
-- wait for; returns its state before, nil if it is not known.
local function cancel_one(id, now_text, flag, told, awaited)
  local j = load(id)
  if not j then return nil end
  local before = j.s
  if j.s == '2' then
    if tonumber(flag) > 1 or (j.c or '0') == '0' then put(j, 'c', flag) end
    told[#told + 1] = j.id
  elseif not is_final(j) then
    leave(j)
    put(j, 's', 5)
    put(j, 'f', now_text)
    put(j, 'c', flag)
    show(j, nil)
    finished(j, tonumber(now_text))
    enter(j)
    told[#told + 1] = j.id
    if j.b then awaited[#awaited + 1] = j end
  end
  return before
end
