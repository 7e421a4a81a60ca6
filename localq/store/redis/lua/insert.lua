-- Adding jobs. What a caller sends of each: id, task, queue, priority, run_at, expires, options, args, and "" or, of a
-- job that has to do with others, the number of its edges, workflow, beside, and the edges.

local function read_job()
  local first = place
  local new = {
    id = ARGV[first + 1], t = ARGV[first + 2], q = ARGV[first + 3], p = ARGV[first + 4], r = ARGV[first + 5],
    x = ARGV[first + 6], O = ARGV[first + 7], A = ARGV[first + 8],
  }
  local edges = ARGV[first + 9]
  place = first + 9
  if edges ~= '' then
    new.g, new.beside, new.after = some(), some(), {}
    for n = 1, tonumber(edges) do new.after[n] = arg() end
  end
  return new
end

local function read_jobs()
  local jobs = {}
  for n = 1, tonumber(arg()) do jobs[n] = read_job() end
  return jobs
end

-- Whether what waits for jobs gets something of them.
local function is_fed(after)
  for _, entry in ipairs(after) do
    if passing(entry) == '1' or passing(entry) == '2' then return true end
  end
  return false
end

local function state_of(new, now)
  if new.after and #new.after > 0 then
    if new.r == '' then new.r = '0' end
    return '-1'
  end
  return new.r ~= '' and tonumber(new.r) > now and '0' or '1'
end

-- The hash of a new job, written at once: nothing else in this script changes it.
local function write_plain(new, key, state, now_text)
  local h = {'k', key, 't', new.t, 'q', new.q, 's', state, 'i', now_text}
  local n = 10
  local function add(field, value)
    h[n + 1], h[n + 2] = field, value
    n = n + 2
  end
  if new.p ~= '0' then add('p', new.p) end
  if new.r ~= '' and new.r ~= now_text then add('r', new.r) end
  if new.x ~= '' then add('x', new.x) end
  if new.g then add('g', new.g) end
  local args, options, length = call_parts(new.id, new.A, new.O)
  if args then add('A', args) end
  if options then add('O', options) end
  if length then add('L', length) end
  call('HSET', P .. 'j:' .. new.id, unpack(h))
end

-- The same of a job that has to do with others: it stays at hand, and is written at the end.
local function make_member(new, key, state, now_text, mentioned)
  local j = {id = new.id}
  known[new.id] = j
  put(j, 'k', key)
  put(j, 't', new.t)
  put(j, 'q', new.q)
  put(j, 's', state)
  put(j, 'i', now_text)
  if new.p ~= '0' then put(j, 'p', new.p) end
  if new.r ~= '' then put(j, 'r', new.r) end
  if new.x ~= '' then put(j, 'x', new.x) end
  put(j, 'g', new.g)
  put_call(j, new.A, new.O)
  local role = 0
  if #new.after > 0 then
    put(j, 'w', #new.after)
    if is_fed(new.after) then role = 2 end
  end
  if mentioned or new.beside then role = role + 1 end
  if role > 0 then put(j, 'R', role) end
  return j
end

local function is_there(id)
  if known[id] ~= nil then return known[id] and true end
  return call('EXISTS', P .. 'j:' .. id) == 1
end

-- Returns of each job whether it is new, and how many are; writes nothing.
local function new_ones(jobs)
  local fresh, is_new, news = {}, {}, 0
  for n, new in ipairs(jobs) do
    is_new[n] = not fresh[new.id] and not is_there(new.id)
    if is_new[n] then
      fresh[new.id] = true
      news = news + 1
    end
  end
  return is_new, news
end

local function mentioned_in(jobs)
  local names = {}
  for _, new in ipairs(jobs) do
    for _, entry in ipairs(new.after or {}) do names[other(entry)] = true end
  end
  return names
end

local function enter_all(entered, key, now, now_text, mentioned)
  local ready, due, held, chunks, tasks, flows, queues = {}, {}, {}, {}, {}, {}, {}
  local function add(lists, name, one, another)
    local list = listed(lists, name)
    list[#list + 1] = one
    if another then list[#list + 1] = another end
  end
  for _, new in ipairs(entered) do
    local state = state_of(new, now)
    if new.after and (#new.after > 0 or new.beside or mentioned[new.id]) then
      make_member(new, key, state, now_text, mentioned[new.id])
    elseif mentioned[new.id] then
      new.after = {}
      make_member(new, key, state, now_text, true)
    else
      write_plain(new, key, state, now_text)
      known[new.id] = nil
    end
    if state == '1' then
      add(ready, new.q, score(new.p, key), new.id)
      wakes(new.q)
    elseif state == '0' then
      add(due, new.q, new.r, new.id)
      wakes(new.q)
    else
      add(held, new.q, key, new.id)
    end
    count(state, new.q, 1)
    waiting(new.q, new.t, 1)
    queues[new.q] = true
    add(chunks, math.floor(key / 128), key % 128, new.id)
    add(tasks, new.t, key)
    if new.g then add(flows, new.g, new.id) end
    key = key + 1
  end
  for queue, list in pairs(ready) do many('ZADD', P .. 'r:' .. queue, list) end
  for queue, list in pairs(due) do many('ZADD', P .. 'd:' .. queue, list) end
  for queue, list in pairs(held) do many('ZADD', P .. 'w:' .. queue, list) end
  for chunk, list in pairs(chunks) do
    many('HSET', P .. 'c:' .. chunk, list)
    call('ZADD', P .. 'cz', chunk, chunk)
  end
  for task, list in pairs(tasks) do many('RPUSH', P .. 'i:' .. task, list) end
  for queue in pairs(queues) do call('SADD', P .. 'q', queue) end
  for workflow, list in pairs(flows) do
    many('RPUSH', P .. 'g:' .. workflow, list)
    call('HINCRBY', P .. 'go', workflow, #list)
  end
end

local function tie_entered(jobs, entered, all_new, now)
  local fresh, number = {}, {}
  for n, new in ipairs(entered) do
    fresh[new.id] = true
    number[new.id] = n
  end
  local older = false
  local waiters = {}
  for _, new in ipairs(entered) do
    if new.after and #new.after > 0 then
      local j = load(new.id)
      tie_all(j, new.after)
      for _, entry in ipairs(new.after) do
        if not fresh[other(entry)] then waiters[j.id], older = j, true end
      end
    end
  end
  for _, new in ipairs(entered) do
    if waiters[new.id] then reckon(waiters[new.id], now) end
  end
  for _, new in ipairs(entered) do
    local named = new.beside and load(new.beside)
    if named then tie_beside(load(new.id), named) end
  end
  -- No plan makes a circle: only jobs that stand before what they wait for may be in one.
  local knotty = older or not all_new
  for n, new in ipairs(entered) do
    if new.after and #new.after > 0 then
      local may = knotty and new.beside
      for _, entry in ipairs(new.after) do
        may = may or (number[other(entry)] or 0) >= n
      end
      if may then cut_circles(load(new.id), now) end
    end
  end
end

-- Adds jobs that are not there; returns of each whether it is new. What may be refused is the first thing written.
local function insert(jobs, now, now_text)
  local is_new, news = new_ones(jobs)
  if news == 0 then return is_new end
  local key = call('INCRBY', P .. 'k', news) - news + 1
  local entered, tied = {}, false
  for n, new in ipairs(jobs) do
    if is_new[n] then
      entered[#entered + 1] = new
      tied = tied or (new.after and (#new.after > 0 or new.beside)) and true
    end
  end
  local mentioned = mentioned_in(jobs)
  enter_all(entered, key, now, now_text, mentioned)
  if tied then tie_entered(jobs, entered, news == #jobs, now) end
  return is_new
end
