-- Keeps what unfinished jobs say of themselves. Of each: id, "s" and the state it shows or "", "m" and its data or "".
in_any_case()
local any = false
for _ = 1, tonumber(arg()) do
  local j, shown, data = load(arg()), some(), some()
  if j and not is_final(j) then
    any = true
    if shown then show(j, string.sub(shown, 2)) end
    if data then
      call('SET', P .. 'm:' .. j.id, string.sub(data, 2))
      put(j, 'm', 1)
    end
  end
end
if any then flush() end
