-- What is sent under a name and a number, the last two arguments, is done once: a number is not above the last one that
-- was heard of its sender only if that was done. First, for it may be refused.
do
  local sender = P .. 'ob:' .. ARGV[#ARGV - 1]
  local last = call('GET', sender)
  if last and tonumber(last) >= tonumber(ARGV[#ARGV]) then return {} end
  call('SET', sender, ARGV[#ARGV], 'EX', 604800)
end
