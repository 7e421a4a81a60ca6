-- What is kept of a worker: "<entered, by the server's time> <started> <seen> <card>" in `wk`.

local function server_time(given)
  if given ~= '' then return tonumber(given) end
  local time = call('TIME')
  return time[1] * 1000000 + time[2]
end

local function read_worker(worker)
  local text = call('HGET', P .. 'wk', worker)
  if not text then return nil end
  return string.match(text, '^(%S+) (%S+) (%S+) (.*)$')
end

local function write_worker(worker, entered, started, seen, card)
  call('HSET', P .. 'wk', worker, entered .. ' ' .. started .. ' ' .. seen .. ' ' .. card)
end

-- Forgets a worker that is gone, unless it holds jobs.
local function drop_worker(worker)
  if call('EXISTS', P .. 'h:' .. worker) == 0 then
    call('HDEL', P .. 'wk', worker)
    call('ZREM', P .. 'wg', worker)
  end
end

-- A job's hash as it is read, with its `id`, and where its arguments or options are long, what holds these as `P`.
local function told(id)
  local flat = call('HGETALL', P .. 'j:' .. id)
  for n = 1, #flat, 2 do
    if flat[n] == 'L' then
      flat[#flat + 1] = 'P'
      flat[#flat + 1] = call('GET', P .. 'p:' .. id) or ''
      break
    end
  end
  flat[#flat + 1] = 'id'
  flat[#flat + 1] = id
  return flat
end
