-- The state of one deployment: checks and counts in one step. It follows `counted.lua`.
-- KEYS, the fourth: trials (sorted set, by the end of their leases).
local trials = KEYS[4]

local WINDOW = 60
local FAILURE_COUNTS_FOR = 60000
local second = math.floor(now / 1000)

-- Requests and tokens of the last minute, to the second. Those of each second are read and written one by one: there are many.

local function of_second(at)
  local requests, tokens = unpack(redis.call('HMGET', counts, 'r' .. at, 't' .. at))
  return tonumber(requests or nil), tonumber(tokens or nil)
end

local function count(at, requests, tokens)
  if (requests == 0 and tokens == 0) or second - at > WINDOW then return end
  add('requests', requests)
  add('tokens', tokens)
  if requests ~= 0 then redis.call('HINCRBY', counts, 'r' .. at, requests) end
  if tokens ~= 0 then redis.call('HINCRBY', counts, 't' .. at, tokens) end
  local first, last = number('first'), number('last')
  if not first or at < first then set('first', at) end
  if not last or at > last then set('last', at) end
end

-- Forgets the seconds of a clock that was set back, or of a record that is not ours.
local function forget_all_seconds()
  for _, field in ipairs(redis.call('HKEYS', counts)) do
    if string.match(field, '^[rt]%d+$') then redis.call('HDEL', counts, field) end
  end
  forget('requests', 'tokens', 'first', 'last')
end

local function forget_old_seconds()
  local first, last = number('first'), number('last')
  if not first or not last or last - second > 1 or last - first > 2 * WINDOW then
    if first or last then forget_all_seconds() end
    return
  end
  if second - first <= WINDOW then return end
  for at = first, last do
    local requests, tokens = of_second(at)
    if requests or tokens then
      if second - at <= WINDOW then
        set('first', at)
        return
      end
      add('requests', -(requests or 0))
      add('tokens', -(tokens or 0))
      redis.call('HDEL', counts, 'r' .. at, 't' .. at)
    end
  end
  forget('first', 'last')
end

local function hold_trial(place)
  redis.call('ZADD', trials, now + ask.lease, place)
end

-- Gives a place back whose request was never sent. It was counted in this second: if that is not said, when its lease began.
local function withdraw(place, at)
  local lease_ends = redis.call('ZSCORE', places, place)
  if not lease_ends then return end
  release(place)
  redis.call('ZREM', trials, place)
  count(at or math.floor((tonumber(lease_ends) - ask.lease) / 1000), -1, 0)
end

-- Failures and cooldowns.

local function failures()
  local last = number('failed_at')
  if not last or now - last >= FAILURE_COUNTS_FOR or last - now > AHEAD then return {}, 0 end
  local by_sort, sum = cjson.decode(get('failures')), 0
  for _, of_sort in pairs(by_sort) do sum = sum + of_sort end
  return by_sort, sum
end

-- When the cooldown ends, if there is one. It is no longer than it was meant to be, even if the clock was set back.
local function open_until()
  local ends, length = number('open_until'), number('open_for')
  if ends and length and ends - now > length then return now + length end
  return ends
end

local function answered(outcome)
  if outcome.trial then
    redis.call('ZREM', trials, outcome.trial)
    forget('open_until', 'open_for')
  end
  -- An answer to what was asked before the cooldown began says nothing about now.
  if number('failed_at') and not number('open_until') then forget('failures', 'failed_at') end
  if outcome.micros then
    local field = 'times:' .. outcome.measure
    local times = cjson.decode(get(field) or '[]')
    table.insert(times, outcome.micros)
    if #times > 10 then table.remove(times, 1) end
    set(field, cjson.encode(times))
    set('timed_at:' .. outcome.measure, now)
  end
end

-- Counts a failure. Returns the length of the cooldown that it starts, if it starts one.
local function failed(outcome)
  if outcome.trial then redis.call('ZREM', trials, outcome.trial) end
  local by_sort = failures()
  local of_sort = (by_sort[outcome.sort] or 0) + 1
  by_sort[outcome.sort] = of_sort
  set('failures', cjson.encode(by_sort))
  set('failed_at', now)
  if outcome.cooldown == 0 then
    forget('open_until', 'open_for')
    return nil
  end
  -- What was asked before the cooldown began does not prolong it.
  if not outcome.trial and number('open_until') then return nil end
  local too_many = outcome.trial or of_sort > outcome.allowed
  local rest = 0
  -- The operator's own number for this sort stands above what the service asks for.
  if outcome.retry_after and (too_many or outcome.sort == '') then rest = outcome.retry_after end
  if too_many then rest = math.max(rest, outcome.cooldown) end
  rest = math.min(rest, outcome.longest)
  if rest == 0 then return nil end
  set('open_until', now + rest)
  set('open_for', rest)
  return rest
end

local function latency(measure)
  local times = get('times:' .. measure)
  if not times then return nil end
  local list, sum = cjson.decode(times), 0
  for _, time in ipairs(list) do sum = sum + time end
  return { sum = sum, count = #list, age = math.max(0, now - number('timed_at:' .. measure)) }
end

local function state()
  local _, failed_lately = failures()
  local first, ends = number('first'), open_until()
  return {
    in_flight = redis.call('ZCARD', places),
    requests = number('requests') or 0,
    tokens = number('tokens') or 0,
    reserved = number('reserved') or 0,
    room_in = first and (first + WINDOW + 1) * 1000 - now or 0,
    failures = failed_lately,
    cooldown_ended_ago = ends and now - ends,
    trials = redis.call('ZCARD', trials),
    first_chunk = latency('first_chunk'),
    per_token = latency('per_token'),
    whole = latency('whole'),
  }
end

-- The rule of `Terms::refusal`.
local function is_refused(by, request)
  local terms = ask.terms
  if not request.forced and by.cooldown_ended_ago and (by.cooldown_ended_ago < 0 or by.trials > 0) then return true end
  if terms.rpm and by.requests >= terms.rpm then return true end
  local counted = by.tokens + by.reserved
  if terms.tpm and counted > 0 and counted + request.tokens > terms.tpm then return true end
  return terms.most and by.in_flight >= terms.most
end

read({
  'requests', 'tokens', 'reserved', 'first', 'last', 'failures', 'failed_at', 'open_until', 'open_for',
  'times:first_chunk', 'timed_at:first_chunk', 'times:per_token', 'timed_at:per_token', 'times:whole', 'timed_at:whole',
})

-- What this replica has to tell, once only.
local cooldowns
if is_news() then
  local changes = ask.changes
  for _, place in ipairs(changes.places) do
    hold(place[1])
    if place[2] then hold_trial(place[1]) end
  end
  for _, outcome in ipairs(changes.outcomes) do
    local rest
    if outcome.sort then rest = failed(outcome) else answered(outcome) end
    if rest then
      cooldowns = cooldowns or {}
      local _, failed_lately = failures()
      table.insert(cooldowns, { millis = rest, failures = failed_lately })
    end
  end
  for _, place in ipairs(changes.releases) do
    release(place)
    redis.call('ZREM', trials, place)
  end
  forget_old_seconds()
  for _, withdrawn in ipairs(changes.withdrawn) do withdraw(withdrawn[1], withdrawn[2]) end
  for _, entry in ipairs(changes.counts) do count(entry[1], entry[2], entry[3]) end
end

forget_old_seconds()
release_abandoned()
redis.call('ZREMRANGEBYSCORE', trials, '-inf', now)

local before, decisions = state(), nil
for index, request in ipairs(ask.wanted) do
  decisions = decisions or {}
  local by = index == 1 and before or state()
  if is_refused(by, request) then
    decisions[index] = by
  else
    local is_trial = by.cooldown_ended_ago ~= nil
    decisions[index] = is_trial and 'trial' or 'granted'
    hold(request.place)
    if is_trial then hold_trial(request.place) end
    count(second, 1, 0)
  end
end
write()
for _, key in ipairs({ counts, places, trials }) do redis.call('PEXPIRE', key, KEPT_FOR) end
return cjson.encode({ now = now, decisions = decisions, state = before, cooldowns = cooldowns })
