-- Adds one job that has nothing to do with others, as nearly all are: what follows defines dozens of functions, and that
-- costs more than this job does. Anything else goes on below.
local alone = ARGV[3] == '1' and ARGV[12] == ''
if alone then
  local now_text, id, task, queue, run_at = ARGV[2], ARGV[4], ARGV[5], ARGV[6], ARGV[8]
  local args, options = ARGV[11], ARGV[10]
  if call('EXISTS', P .. 'j:' .. id) == 1 then return {0} end
  local key = call('INCRBY', P .. 'k', 1)
  local due = run_at ~= '' and tonumber(run_at) > tonumber(now_text)
  local h = {'k', key, 't', task, 'q', queue, 's', due and '0' or '1', 'i', now_text}
  local n = 10
  if ARGV[7] ~= '0' then
    h[n + 1], h[n + 2], n = 'p', ARGV[7], n + 2
  end
  if run_at ~= '' and run_at ~= now_text then
    h[n + 1], h[n + 2], n = 'r', run_at, n + 2
  end
  if ARGV[9] ~= '' then
    h[n + 1], h[n + 2], n = 'x', ARGV[9], n + 2
  end
  if #args <= 64 and #options <= 64 then
    if args ~= '' then
      h[n + 1], h[n + 2], n = 'A', args, n + 2
    end
    if options ~= '' then
      h[n + 1], h[n + 2], n = 'O', options, n + 2
    end
  else
    local whole = struct.pack('>I4', #args) .. args .. options
    call('SET', P .. 'p:' .. id, whole)
    h[n + 1], h[n + 2] = 'L', #whole
  end
  call('HSET', P .. 'j:' .. id, unpack(h))
  if due then
    call('ZADD', P .. 'd:' .. queue, run_at, id)
  else
    call('ZADD', P .. 'r:' .. queue, (9 - ARGV[7]) * 562949953421312 + key, id)
  end
  local chunk = math.floor(key / 128)
  call('HSET', P .. 'c:' .. chunk, key % 128, id)
  call('ZADD', P .. 'cz', chunk, chunk)
  call('RPUSH', P .. 'i:' .. task, key)
  call('HINCRBY', P .. 'n', (due and '0:' or '1:') .. queue, 1)
  call('HINCRBY', P .. 't', queue .. '\0' .. task, 1)
  call('SADD', P .. 'q', queue)
  call('INCR', P .. 'v')
  if call('EXISTS', P .. 'idle:' .. queue, P .. 'idle', P .. 'rung') == 0 then return {1} end
end
