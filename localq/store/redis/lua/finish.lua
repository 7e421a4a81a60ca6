-- Writes what attempts came to. Of each completion: id, token, owner, state, run_at, retries, crashes, and a word whose
-- letters say what follows: s shown, a attempt (number, name's number, text), r result, f failure, o output, c new call
-- (args, options), q queue, p priority, F follow-ups, R the call that replaces its own. Returns of each the state it has
-- now, with "+" if others wait for it; "" if it was not held.
local now_text = arg()
local now = tonumber(now_text)

local names = {}
for n = 1, tonumber(arg()) do names[n] = arg() end

local words = {}

local function said_by(word)
  if not words[word] then
    local letters = {}
    for letter in string.gmatch(word, '.') do letters[letter] = true end
    words[word] = letters
  end
  return words[word]
end

local function read_completion()
  local first = place
  local d = {
    id = ARGV[first + 1], token = ARGV[first + 2], owner = ARGV[first + 3], state = ARGV[first + 4],
    at = ARGV[first + 5], retries = ARGV[first + 6], crashes = ARGV[first + 7],
  }
  place = first + 8
  local has = said_by(ARGV[first + 8])
  if has.s then d.shown = arg() end
  if has.a then d.number, d.worker, d.text = arg(), tonumber(arg()), arg() end
  if has.r then d.result = arg() end
  if has.f then d.failure = arg() end
  if has.o then d.output = arg() end
  if has.c then d.args, d.options = arg(), arg() end
  if has.q then d.queue = arg() end
  if has.p then d.priority = arg() end
  if has.F then d.follow_ups = read_jobs() end
  if has.R then d.replaced = read_job() end
  return d
end

local function unless_zero(text)
  if text == '0' then return nil end
  return text
end

-- Enters a job among those of a task, where it stands in the order of adding: most likely near the end.
local function list_late(task, key)
  local list, newer = P .. 'i:' .. task, {}
  while true do
    local last = call('RPOP', list)
    if last and tonumber(last) > tonumber(key) then
      newer[#newer + 1] = last
    else
      if last then call('RPUSH', list, last) end
      if last ~= key then call('RPUSH', list, key) end
      break
    end
  end
  for n = #newer, 1, -1 do call('RPUSH', list, newer[n]) end
end

local function replace(j, new)
  if new.t ~= j.t then list_late(new.t, j.k) end
  put(j, 't', new.t)
  put(j, 'q', new.q)
  put(j, 'p', unless_zero(new.p))
  put_call(j, new.A, new.O)
  local after = new.after or {}
  put(j, 'w', #after > 0 and #after or nil)
  put(j, 'r', new.r ~= '' and new.r or #after > 0 and '0' or now_text)
  put(j, 'x', new.x ~= '' and new.x or nil)
  local role = tonumber(j.R or 0) % 2 + (is_fed(after) and 2 or 0)
  put(j, 'R', role > 0 and role or nil)
  untie_all(j)
end

local function new_call(j, d)
  put_call(j, d.args, d.options)
  local role = tonumber(j.R or 0)
  -- What it got of others is among the new arguments.
  if role > 1 then put(j, 'R', role > 2 and 1 or nil) end
end

local function end_run(d)
  local j = load(d.id)
  if not j or j.s ~= '2' or j.n ~= d.token or j.o ~= d.owner then return nil end
  leave(j)
  local final = tonumber(d.state) >= SUCCEEDED
  local cancelled = not final and tonumber(j.c or 0) > 0
  put(j, 's', cancelled and '5' or d.state)
  put(j, 'r', d.at ~= j.i and d.at or nil)
  put(j, 'y', unless_zero(d.retries))
  put(j, 'z', unless_zero(d.crashes))
  show(j, not cancelled and d.shown or nil)
  if d.number then record(j, d.number, names[d.worker], d.text, d.result, d.failure, d.output) else put(j, 'a', unless_zero(int(tonumber(j.a) - 1))) end
  if d.queue then
    put(j, 'q', d.queue)
    call('SADD', P .. 'q', d.queue)
  end
  if d.priority then put(j, 'p', unless_zero(d.priority)) end
  if d.args then new_call(j, d) end
  -- The next run starts with nothing said.
  if not final then unsaid(j) end
  if d.replaced and not cancelled then replace(j, d.replaced) end
  if final or cancelled then
    put(j, 'f', now_text)
    finished(j, now)
  end
  enter(j)
  return j
end

local function put_in_place(j, d)
  local new = d.replaced
  local added = true
  for _, is_new in ipairs(insert(d.follow_ups or {}, now, now_text)) do added = added and is_new end
  call('SADD', P .. 'q', new.q)
  local after, itself = new.after or {}, false
  if #after > 0 then
    tie_all(j, after)
    for _, entry in ipairs(after) do itself = itself or other(entry) == j.id end
    if #after > 1 or not itself then reckon(j, now) end
  end
  local named = new.beside and load(new.beside)
  if named then tie_beside(j, named) end
  -- What was there already may wait for this very job.
  if itself or named or not added then cut_circles(j, now) end
end

local completions = {}
for n = 1, tonumber(arg()) do completions[n] = read_completion() end

local ended, good, bad, final, states = {}, {}, {}, {}, {}
for n, d in ipairs(completions) do
  local j = end_run(d)
  states[n] = ''
  if j then
    ended[#ended + 1] = {j, d}
    if tonumber(j.s) >= SUCCEEDED then
      final[#final + 1] = j.id
      if j.b then
        local list = j.s == '3' and good or bad
        list[#list + 1] = j
      end
    end
    states[n] = j.s .. (is_awaited(j) and '+' or '')
  end
end
count_good(good, now)
count_bad(bad, now)
for _, one in ipairs(ended) do
  local j, d = one[1], one[2]
  if not d.replaced then
    if d.follow_ups then insert(d.follow_ups, now, now_text) end
  elseif j.s ~= '5' then
    put_in_place(j, d)
  end
end
if #ended > 0 then
  flush()
  tell(final)
end
return states
