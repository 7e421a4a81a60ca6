-- Adds the part, which is gone then; the last one takes the list with it. Returns of each job 1 if it is new, else 0.
local now_text = arg()
local is_new = insert(read_jobs(), tonumber(now_text), now_text)
call('LSET', key_of_parts, number_of_part, '')
if number_of_part == last_part - 1 then
  call('DEL', key_of_parts)
  call('ZREM', P .. 'bigs', token_of_parts)
end
flush()
local told = {}
for n, new in ipairs(is_new) do told[n] = new and 1 or 0 end
return told
