-- Counts of jobs that finished, by step, task, queue and state; see `localq.model.tally`.

local FINE, COARSE, FINE_KEPT, KEPT_FOR = 600000000, 3600000000, 172800000000, 7776000000000

local function size_of(span)
  if span <= 0 then return 0 end
  return math.max(0, math.floor(4 * math.log(span) / math.log(2) + 0.5))
end

local function sizes_of(text)
  local sizes = {}
  for size, number in string.gmatch(text, '(%d+):(%d+)') do sizes[size] = tonumber(number) end
  return sizes
end

local function sizes_text(sizes)
  local parts = {}
  for size, number in pairs(sizes) do parts[#parts + 1] = size .. ':' .. int(number) end
  return table.concat(parts, ',')
end

local function add_sizes(into, sizes)
  for size, number in pairs(sizes) do into[size] = (into[size] or 0) + number end
end

local function read_tally(text)
  local n, ran, runs, waits = string.match(text, '^(%d+) (%d+) (%S*) (%S*)$')
  return {n = tonumber(n), ran = tonumber(ran), runs = sizes_of(runs), waits = sizes_of(waits)}
end

local function tally_text(cell)
  return int(cell.n) .. ' ' .. int(cell.ran) .. ' ' .. sizes_text(cell.runs) .. ' ' .. sizes_text(cell.waits)
end

local function add_tally(step, name, more)
  local key = P .. 'T:' .. step
  local text = call('HGET', key, name)
  local sum = text and read_tally(text) or {n = 0, ran = 0, runs = {}, waits = {}}
  add_sizes(sum.runs, more.runs)
  add_sizes(sum.waits, more.waits)
  sum.n, sum.ran = sum.n + more.n, sum.ran + more.ran
  call('HSET', key, name, tally_text(sum))
  call('ZADD', P .. 'Ts', step, step)
end

local function drop_tallies(step)
  call('DEL', P .. 'T:' .. step)
  call('ZREM', P .. 'Ts', step)
end

-- Adds up the oldest fine tallies, an hour's at a time: as fast as new ones come.
local function coarsen(newest)
  local up_to = math.floor((newest - FINE_KEPT) / COARSE) * COARSE
  local hour = nil
  for _, step in ipairs(call('ZRANGEBYSCORE', P .. 'Ts', '-inf', '(' .. int(up_to))) do
    local at = tonumber(step)
    if at % COARSE ~= 0 then
      hour = hour or at - at % COARSE
      if at - at % COARSE ~= hour then return end
      local flat = call('HGETALL', P .. 'T:' .. step)
      drop_tallies(step)
      for n = 1, #flat, 2 do add_tally(int(hour), flat[n], read_tally(flat[n + 1])) end
    end
  end
end

-- Counts a job that finished, of its fields, in the cell of its step.
local function count_ended(cells, j, step)
  local at = tonumber(j.f)
  local cell = listed(listed(cells, int(at - at % step)), j.t .. '\0' .. j.q .. '\0' .. j.s)
  if not cell.n then cell.n, cell.ran, cell.runs, cell.waits = 0, 0, {}, {} end
  cell.n = cell.n + 1
  local started, over_at = string.match(j[j.a or ''] or '', '^%d+ (%d+) (%d+) ')
  if started then
    local took = math.max(0, tonumber(over_at) - tonumber(started))
    cell.ran = cell.ran + took
    local ran, waited = tostring(size_of(took)), tostring(size_of(tonumber(started) - tonumber(j.r or j.i)))
    cell.runs[ran] = (cell.runs[ran] or 0) + 1
    cell.waits[waited] = (cell.waits[waited] or 0) + 1
  end
end
