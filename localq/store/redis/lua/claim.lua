-- Takes ready jobs for a worker. Returns whether it holds (1 or 0), when to claim next or "", the tasks met that it does
-- not know, and the jobs as their hashes were, each with `id` and, where its arguments or
-- options are long, what holds these as `P`.
local worker, bell, limit, now_text = arg(), arg(), tonumber(arg()), arg()
local now = tonumber(now_text)
local STUCK, DUE, LOOKED, ROUNDS, TOLD = 256, 1000, 6000, 4, 100

if not call('ZSCORE', P .. 'wl', worker) then return {0, '', {}} end

local queues, barred = nil, {}
local listed_queues = arg()
if listed_queues ~= '' then
  queues = {}
  for n = 1, tonumber(listed_queues) do queues[n] = arg() end
end
local named = queues
local is_barred = {}
for n = 1, tonumber(arg()) do
  barred[n] = arg()
  is_barred[barred[n]] = true
end
local tasks = arg()
local rates = nil
local limited = arg()
if limited ~= '' then
  rates = {}
  for _ = 1, tonumber(limited) do
    local task = arg()
    rates[task] = {tonumber(arg()), tonumber(arg())}
  end
end

local taken, held = {}, {}

local function take(id, flat, h)
  local a, n = int(tonumber(h.a or 0) + 1), int(tonumber(h.n or 0) + 1)
  call('HSET', P .. 'j:' .. id, 's', 2, 'o', worker, 'n', n, 'a', a)
  if h.h then
    call('HDEL', P .. 'j:' .. id, 'h')
    call('ZREM', P .. 'hs:' .. h.h, id)
  end
  held[#held + 1] = id
  held[#held + 1] = n
  count('2', h.q, 1)
  waiting(h.q, h.t, -1)
  flat[#flat + 1] = 'id'
  flat[#flat + 1] = id
  if h.L then
    flat[#flat + 1] = 'P'
    flat[#flat + 1] = call('GET', P .. 'p:' .. id) or ''
  end
  taken[#taken + 1] = flat
end

-- Those that cannot run because of others, whatever is served.
local stuck = call('ZPOPMIN', P .. 'stuck', STUCK)
for n = 1, #stuck, 2 do
  local id = stuck[n]
  local flat = call('HGETALL', P .. 'j:' .. id)
  local h = mapped(flat)
  call('ZREM', P .. 'w:' .. h.q, id)
  count('-1', h.q, -1)
  take(id, flat, h)
end
limit = limit + #taken

local served = {}
for _, queue in ipairs(queues or call('SMEMBERS', P .. 'q')) do
  if not is_barred[queue] then
    is_barred[queue] = queues and true
    served[#served + 1] = queue
  end
end

-- Jobs that are due become ready.
local next_at, left = nil, DUE
for _, queue in ipairs(served) do
  local key = P .. 'd:' .. queue
  local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  if first and tonumber(first) <= now and left > 0 then
    local due = call('ZRANGEBYSCORE', key, '-inf', now_text, 'LIMIT', 0, left)
    left = left - #due
    local ready = {}
    for _, id in ipairs(due) do
      local h = call('HMGET', P .. 'j:' .. id, 'p', 'k')
      call('HSET', P .. 'j:' .. id, 's', 1)
      ready[#ready + 1] = score(h[1], h[2])
      ready[#ready + 1] = id
    end
    call('ZREMRANGEBYRANK', key, 0, #due - 1)
    many('ZADD', P .. 'r:' .. queue, ready)
    count('0', queue, -#due)
    count('1', queue, #due)
    first = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  end
  if first and (not next_at or tonumber(first) < next_at) then next_at = tonumber(first) end
end

local brakes = nil
if limit > #taken and (rates and next(rates) or call('EXISTS', P .. 'o', P .. 'parked') > 0) then
  brakes = brakes_of(rates, served, tasks, now)
  served = brakes.queues
end

-- Where ready jobs stand, and the score of the first of each.
local sources, unknown = {}, {}

local function serve(queue, task)
  local name = task and queue .. '\0' .. task or queue
  sources[#sources + 1] = {key = P .. 'r:' .. name, queue = queue, apart = task and name}
end

local function is_unknown(task)
  return tasks ~= '' and not string.find(tasks, '\0' .. task .. '\0', 1, true)
end

for _, queue in ipairs(served) do serve(queue) end
local apart = limit > #taken and call('SMEMBERS', P .. 'apart') or {}
if #apart > 0 then
  local is_served = {}
  for _, queue in ipairs(served) do is_served[queue] = true end
  for _, name in ipairs(apart) do
    local queue, task = string.match(name, '^(%Z*)%z(.*)$')
    if is_served[queue] then
      if is_unknown(task) then unknown[task] = true else serve(queue, task) end
    end
  end
end

local function look(source)
  local first = call('ZRANGE', source.key, 0, 0, 'WITHSCORES')[2]
  source.head = first and tonumber(first)
end

-- Takes up to so many of the best away from where they stand; returns their ids with the source of each.
local function best(most)
  if #sources == 1 then
    local popped, found = call('ZPOPMIN', sources[1].key, most), {}
    for n = 1, #popped, 2 do found[#found + 1] = {popped[n], sources[1]} end
    return found
  end
  for _, source in ipairs(sources) do look(source) end
  local found = {}
  while #found < most do
    local first, second
    for _, source in ipairs(sources) do
      if source.head and (not first or source.head < first.head) then
        first, second = source, first
      elseif source.head and (not second or source.head < second.head) then
        second = source
      end
    end
    if not first then break end
    local up_to = second and '(' .. int(second.head) or '+inf'
    local ids = call('ZRANGEBYSCORE', first.key, '-inf', up_to, 'LIMIT', 0, most - #found)
    call('ZREMRANGEBYRANK', first.key, 0, #ids - 1)
    for _, id in ipairs(ids) do found[#found + 1] = {id, first} end
    look(first)
  end
  return found
end

-- Puts a job where those stand that not every worker knows.
local apart_already = {}
local function set_apart(id, h)
  local name = h.q .. '\0' .. h.t
  call('ZADD', P .. 'r:' .. name, score(h.p, h.k), id)
  if not apart_already[name] then
    apart_already[name] = true
    call('SADD', P .. 'apart', name)
  end
  unknown[h.t] = true
end

local looked = 0
local emptied = {}
local rounds = 0
while #taken < limit and #sources > 0 do
  local over, others = {}, false
  local found = best(limit - #taken)
  for _, one in ipairs(found) do
    local id, source = one[1], one[2]
    if source.apart then emptied[source.apart] = true end
    local flat = call('HGETALL', P .. 'j:' .. id)
    local h = mapped(flat)
    if is_unknown(h.t) then
      set_apart(id, h)
      others = true
    elseif brakes and not brakes.spend(h.t) then
      over[#over + 1] = h
      h.id = id
    else
      count('1', h.q, -1)
      take(id, flat, h)
    end
  end
  looked = looked + #found
  if #over > 0 then
    brakes.park(over, sources)
    rounds = rounds + 1
  end
  if #over == 0 and not others or #found == 0 then break end
  if looked >= LOOKED or rounds >= ROUNDS then
    -- More stands in front than one claim may move.
    next_at = now
    break
  end
end

for name in pairs(emptied) do left_apart('r:', name) end
if brakes then next_at = brakes.ended(next_at) end
if #held > 0 then many('HSET', P .. 'h:' .. worker, held) end
rest(bell, #taken >= limit, named, barred)
flush_counts('n', counts)
flush_counts('t', unbegun)
if #taken > 0 then wrote() end

local met = {}
for task in pairs(unknown) do
  if #met < TOLD then met[#met + 1] = task end
end
return {1, next_at and int(next_at) or '', met, unpack(taken)}
