-- Adds jobs that have nothing to do with others, as nearly all are: what follows defines dozens of functions, and that
-- costs more than such a job does. Anything else goes on below, and nothing is written yet.
local added, woken_now = nil, {}
do
  local total, now_text = tonumber(ARGV[3]), ARGV[2]
  local plain = total <= 2000
  for n = 1, plain and total or 0 do
    if ARGV[3 + 9 * n] ~= '' then
      plain = false
      break
    end
  end
  if plain then
    added = {}
    local news, seen = 0, {}
    for n = 1, total do
      local id = ARGV[9 * n - 5]
      if seen[id] or call('EXISTS', P .. 'j:' .. id) == 1 then
        added[n] = 0
      else
        added[n], seen[id], news = 1, true, news + 1
      end
    end
    if news == 0 then return added end
    -- What may be refused, for memory is full, is the first thing written.
    local key = call('INCRBY', P .. 'k', news) - news
    local now = tonumber(now_text)
    local sets, chunks, tasks, counts, unbegun = {}, {}, {}, {}, {}
    for n = 1, total do
      if added[n] == 1 then
        local at = 9 * n - 5
        local id, task, queue, run_at, args, options = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 4], ARGV[at + 7], ARGV[at + 6]
        key = key + 1
        local due = run_at ~= '' and tonumber(run_at) > now
        local h = {'k', key, 't', task, 'q', queue, 's', due and '0' or '1', 'i', now_text}
        local m = 10
        if ARGV[at + 3] ~= '0' then
          h[m + 1], h[m + 2], m = 'p', ARGV[at + 3], m + 2
        end
        if run_at ~= '' and run_at ~= now_text then
          h[m + 1], h[m + 2], m = 'r', run_at, m + 2
        end
        if ARGV[at + 5] ~= '' then
          h[m + 1], h[m + 2], m = 'x', ARGV[at + 5], m + 2
        end
        if #args <= 64 and #options <= 64 then
          if args ~= '' then
            h[m + 1], h[m + 2], m = 'A', args, m + 2
          end
          if options ~= '' then
            h[m + 1], h[m + 2], m = 'O', options, m + 2
          end
        else
          local whole = struct.pack('>I4', #args) .. args .. options
          call('SET', P .. 'p:' .. id, whole)
          h[m + 1], h[m + 2] = 'L', #whole
        end
        call('HSET', P .. 'j:' .. id, unpack(h))
        local name = due and 'd:' .. queue or 'r:' .. queue
        local set = sets[name]
        if not set then
          set = {}
          sets[name] = set
          call('SADD', P .. 'q', queue)
        end
        set[#set + 1] = due and run_at or (9 - ARGV[at + 3]) * 562949953421312 + key
        set[#set + 1] = id
        local number = math.floor(key / 128)
        local chunk = chunks[number]
        if not chunk then
          chunk = {}
          chunks[number] = chunk
        end
        chunk[#chunk + 1] = key % 128
        chunk[#chunk + 1] = id
        local keys = tasks[task]
        if not keys then
          keys = {}
          tasks[task] = keys
        end
        keys[#keys + 1] = key
        local state = due and '0:' .. queue or '1:' .. queue
        counts[state] = (counts[state] or 0) + 1
        local line = queue .. '\0' .. task
        unbegun[line] = (unbegun[line] or 0) + 1
        woken_now[queue] = (woken_now[queue] or 0) + 1
      end
    end
    for name, set in pairs(sets) do call('ZADD', P .. name, unpack(set)) end
    for number, chunk in pairs(chunks) do
      call('HSET', P .. 'c:' .. number, unpack(chunk))
      call('ZADD', P .. 'cz', number, number)
    end
    for task, keys in pairs(tasks) do call('RPUSH', P .. 'i:' .. task, unpack(keys)) end
    for state, by in pairs(counts) do call('HINCRBY', P .. 'n', state, by) end
    for line, by in pairs(unbegun) do call('HINCRBY', P .. 't', line, by) end
    call('INCR', P .. 'v')
    local bells = {P .. 'idle', P .. 'rung'}
    for queue in pairs(woken_now) do bells[#bells + 1] = P .. 'idle:' .. queue end
    if call('EXISTS', unpack(bells)) == 0 then return added end
  end
end
