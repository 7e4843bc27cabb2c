-- What one caller's key has used: checks and counts in one step.
-- KEYS: use (hash), calls (sorted set of reservations, by the end of their leases), the number of this replica's last batch.
-- ARGV: what is asked, as JSON. The answer is JSON too.
local use, calls, batch = KEYS[1], KEYS[2], KEYS[3]
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

local MINUTE = 60000
local KEPT_FOR = 3600000

local function number(field)
  return tonumber(redis.call('HGET', use, field) or nil)
end

local function add(field, by)
  -- The sum is never -0, which is no integer to Redis.
  redis.call('HINCRBY', use, field, by + 0)
end

-- A store that was emptied, or lost its last writes, learns the budget's use from the replica that has seen the most of it.
local function take_over(seen)
  if ask.period and now - seen.began >= ask.period then return end
  local began = number('budget_began')
  if began and ask.period and seen.began + ask.period <= began then return end
  if not began or seen.began < began then redis.call('HSET', use, 'budget_began', seen.began) end
  if seen.spent > (number('spent') or 0) then redis.call('HSET', use, 'spent', seen.spent) end
end

local function turn_over()
  local minute = number('minute_began')
  if not minute or now - minute >= MINUTE then
    redis.call('HSET', use, 'minute_began', now, 'requests', 0, 'tokens', 0)
  end
  local budget = number('budget_began')
  if not budget or (ask.period and now - budget >= ask.period) then
    redis.call('HSET', use, 'budget_began', now, 'spent', 0)
  end
end

-- Reservations: each member ends with its tokens.

local function reserved_tokens(call)
  return tonumber(string.match(call, ':(%d+)$'))
end

local function hold(call)
  if redis.call('ZADD', calls, now + ask.lease, call) == 1 then add('reserved', reserved_tokens(call)) end
end

local function release(call)
  if redis.call('ZREM', calls, call) == 1 then add('reserved', -reserved_tokens(call)) end
end

local function standing()
  return {
    requests = number('requests'),
    tokens = number('tokens'),
    spent = number('spent'),
    reserved = number('reserved') or 0,
    calls = redis.call('ZCARD', calls),
    minute_began = number('minute_began'),
    budget_began = number('budget_began'),
  }
end

-- The rules of `Standing`.
local function is_refused(by)
  if ask.budget and by.spent >= ask.budget then return true end
  if ask.rpm and ask.request and by.requests >= ask.rpm then return true end
  if ask.tpm and by.tokens >= ask.tpm then return true end
  if ask.request or by.calls == 0 then return false end
  local wanted = by.reserved + reserved_tokens(ask.call)
  return (ask.budget and by.spent + wanted > ask.budget) or (ask.tpm and by.tokens + wanted > ask.tpm)
end

if ask.seen then take_over(ask.seen) end
turn_over()
for _, call in ipairs(redis.call('ZRANGEBYSCORE', calls, '-inf', now)) do release(call) end

-- What this replica has to tell, once only.
if ask.batch and tonumber(redis.call('GET', batch) or '0') < ask.batch then
  for _, call in ipairs(ask.changes.calls) do hold(call) end
  for _, call in ipairs(ask.changes.releases) do release(call) end
  for _, entry in ipairs(ask.changes.counts) do
    local at, requests, tokens = entry[1] * 1000, entry[2], entry[3]
    -- What was counted while the store was away belongs to the minute in which it happened.
    if now - at < MINUTE then
      add('requests', requests)
      add('tokens', tokens)
    end
    if not ask.period or now - at < ask.period then add('spent', tokens) end
  end
  redis.call('SET', batch, ask.batch, 'PX', KEPT_FOR)
end

local before = standing()
local admitted
if ask.request or ask.call then
  admitted = not is_refused(before)
  if admitted and ask.request then add('requests', 1) end
  if admitted and ask.call then hold(ask.call) end
end

redis.call('PEXPIRE', calls, KEPT_FOR)
if ask.budget and not ask.period then
  redis.call('PERSIST', use)
else
  redis.call('PEXPIRE', use, math.max(KEPT_FOR, ask.budget and ask.period or 0))
end
return cjson.encode({ now = now, admitted = admitted, standing = before })
