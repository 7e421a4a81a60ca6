-- 1 if arguments are wanted, and ids; returns of each job its fields and payload, or nothing.
local told = {}
for n = 3, #ARGV do told[n - 2] = told_job(ARGV[n], ARGV[2] == '1') end
return told
