-- What both scripts begin with: the question, the time, counts, places, and what this replica has told already.
-- KEYS: the number of this replica's last batch, counts (hash), places (sorted set, by the end of their leases), and more of the script's own.
-- ARGV: what is asked, as JSON: `terms` of what is counted, and `wanted`, a list of requests for places, which may be empty. The answer is JSON too.
-- To each request it has a decision: `granted`, `trial`, or how things stood when it was refused.
local batch, counts, places = KEYS[1], KEYS[2], KEYS[3]
local ask = cjson.decode(ARGV[1])

local now = ask.now
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
-- Whoever asked has gone on without an answer.
if ask.deadline and now > ask.deadline then
  return cjson.encode({ late = true, now = now })
end

local KEPT_FOR = 3600000
-- What lies so far ahead was written before the clock was set back.
local AHEAD = 1000

-- Counts that the script names at its beginning are read in one step, and written in one at its end: each command costs more than all else here.
local known, changed = {}, {}

local function read(fields)
  for index, value in ipairs(redis.call('HMGET', counts, unpack(fields))) do known[fields[index]] = value end
end

local function get(field)
  return known[field] or nil
end

local function number(field)
  return tonumber(get(field))
end

local function set(field, value)
  known[field], changed[field] = value, true
end

local function add(field, by)
  set(field, (number(field) or 0) + by)
end

local function forget(...)
  for _, field in ipairs({ ... }) do
    known[field], changed[field] = false, nil
  end
  redis.call('HDEL', counts, ...)
end

local function write()
  local values = {}
  for field in pairs(changed) do
    table.insert(values, field)
    table.insert(values, known[field])
  end
  if #values > 0 then redis.call('HSET', counts, unpack(values)) end
end

-- Each place ends with the tokens that are expected.
local function expected_tokens(place)
  return tonumber(string.match(place, ':(%d+)$'))
end

local function hold(place)
  if redis.call('ZADD', places, now + ask.lease, place) == 1 then add('reserved', expected_tokens(place)) end
end

local function release(place)
  if redis.call('ZREM', places, place) == 1 then add('reserved', -expected_tokens(place)) end
end

local function release_abandoned()
  for _, place in ipairs(redis.call('ZRANGEBYSCORE', places, '-inf', now)) do release(place) end
  local longest = now + ask.lease
  for _, place in ipairs(redis.call('ZRANGEBYSCORE', places, longest + AHEAD, '+inf')) do
    redis.call('ZADD', places, longest, place)
  end
end

-- Whether there is a batch that has not come before. From now on it has.
local function is_news()
  if not ask.batch or tonumber(redis.call('GET', batch) or '0') >= ask.batch then return false end
  redis.call('SET', batch, ask.batch, 'PX', KEPT_FOR)
  return true
end

