-- Writes what the turns of schedules come to: now, the word that is rung for what is cancelled, and of each turn key,
-- revision, state, next_at, due_at, held_at, runs, missed, signal, + and the note or nothing; entries, jobs, and ids to
-- cancel. Returns of each whether it was applied.
local now_text, word = arg(), arg()
local now = tonumber(now_text)

local function read_firing()
  local one = {
    key = arg(), revision = arg(), state = arg(), next_at = some(), due_at = some(), held_at = some(),
    runs = tonumber(arg()), missed = tonumber(arg()), signal = arg(), note = arg(),
  }
  one.entries, one.jobs, one.cancel = read_entries(), read_jobs(), {}
  for n = 1, tonumber(arg()) do one.cancel[n] = arg() end
  return one
end

local function advance(one, jobs)
  local v = call('HMGET', P .. 's:' .. one.key, 'revision', 'state', 'runs', 'missed', 'last_at')
  if v[1] ~= one.revision or v[2] ~= '0' then return false end
  local _, last, again, refused = enter_instants(one.key, one.entries, now_text, true)
  local fields = {
    'revision', int(tonumber(v[1]) + 1), 'state', one.state, 'next_at', one.next_at or false,
    'due_at', one.due_at or false, 'held_at', one.held_at or false,
    'runs', int(tonumber(v[3]) + one.runs - math.min(again, one.runs)), 'missed', int(tonumber(v[4]) + one.missed),
  }
  if again > 0 then
    local at, job = last_fired(one.key)
    for _, value in ipairs({'last_at', at or false, 'last_job', job or false}) do fields[#fields + 1] = value end
  else
    follow_last(fields, v[5], last)
  end
  if string.sub(one.note, 1, 1) == '+' then
    fields[#fields + 1] = 'note'
    fields[#fields + 1] = string.sub(one.note, 2)
  end
  write_schedule(one.key, fields)
  allow(jobs, one.jobs, refused)
  return true
end

local firings = {}
for n = 1, tonumber(arg()) do firings[n] = read_firing() end
local applied, jobs, any = {}, {}, false
for n, one in ipairs(firings) do
  applied[n] = advance(one, jobs) and 1 or 0
  any = any or applied[n] == 1
end
if not any then return applied end
insert(jobs, now, now_text)
local told, awaited, cancelled = {}, {}, false
for n, one in ipairs(firings) do
  if applied[n] == 1 then
    for _, id in ipairs(one.cancel) do
      cancelled = true
      cancel_one(id, now_text, one.signal, told, awaited)
    end
  end
end
count_bad(awaited, now)
flush()
if cancelled then say('work', word) end
tell(told)
return applied
