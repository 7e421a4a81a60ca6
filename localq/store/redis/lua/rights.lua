-- Answers which commands the caller's user may not use on the store's keys and channels. ARGV[2] on: the commands.
if not redis.acl_check_cmd then
  -- Before Redis 7 only a command itself tells: of those that write nothing anywhere, one of each kind.
  local tried = { PUBLISH = { CH .. 'rights', '' }, TIME = {} }
  local failed = {}
  for name, words in pairs(tried) do
    local answer = redis.pcall(name, unpack(words))
    if type(answer) == 'table' and answer.err then
      failed[#failed + 1] = name
    end
  end
  return failed
end
local barred = {}
for i = 2, #ARGV do
  local words = {}
  for word in string.gmatch(ARGV[i], '%S+') do
    words[#words + 1] = word
  end
  -- As a key, and as a channel: both begin alike.
  words[#words + 1] = KEYS[1]
  if not redis.acl_check_cmd(unpack(words)) then
    barred[#barred + 1] = ARGV[i]
  end
end
return barred
