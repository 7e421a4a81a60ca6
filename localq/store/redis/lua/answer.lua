-- The letter's key, the answer, its token, the word that is rung.
local list = P .. 'ans:' .. ARGV[2]
local there = false
for _, said in ipairs(call('LRANGE', list, 0, -1)) do
  there = there or cmsgpack.unpack(said)[3] == ARGV[4]
end
if not there then
  call('RPUSH', list, ARGV[3])
  if call('ZCOUNT', P .. 'mail', ARGV[2], ARGV[2]) == 0 then
    -- Nobody will take it away with its letter.
    call('EXPIRE', list, 3600)
  end
  wrote()
end
call('PUBLISH', CH .. 'res', ARGV[5])
if call('EXISTS', P .. 'ch') == 1 then
  call('PUBLISH', CH .. 'res:' .. ARGV[5], ARGV[5])
end
