-- What one caller's key has used: checks and counts in one step. It follows `counted.lua`; places are the key's reservations.

local terms = ask.terms

local MINUTE = 60000

-- A store that was emptied, or lost its last writes, learns the budget's use from the replica that has seen the most of it.
local function take_over(seen)
  if terms.period and now - seen.began >= terms.period then return end
  local began = number('budget_began')
  if began and terms.period and seen.began + terms.period <= began then return end
  if not began or seen.began < began then set('budget_began', seen.began) end
  if seen.spent > (number('spent') or 0) then set('spent', seen.spent) end
end

local function turn_over()
  local minute = number('minute_began')
  if not minute or now - minute >= MINUTE or minute - now > AHEAD then
    set('minute_began', now)
    set('requests', 0)
    set('tokens', 0)
  end
  local budget = number('budget_began')
  if not budget or (terms.period and now - budget >= terms.period) then
    set('budget_began', now)
    set('spent', 0)
  elseif budget - now > AHEAD then
    set('budget_began', now)
  end
end

local function standing()
  return {
    requests = number('requests'),
    tokens = number('tokens'),
    spent = number('spent'),
    reserved = number('reserved') or 0,
    calls = redis.call('ZCARD', places),
    minute_began = number('minute_began'),
    budget_began = number('budget_began'),
  }
end

-- The rules of `Standing`.
local function is_refused(by, call)
  if terms.budget and by.spent >= terms.budget then return true end
  if terms.rpm and by.requests >= terms.rpm then return true end
  if terms.tpm and by.tokens >= terms.tpm then return true end
  if not call or by.calls == 0 then return false end
  local wanted = by.reserved + expected_tokens(call)
  return (terms.budget and by.spent + wanted > terms.budget) or (terms.tpm and by.tokens + wanted > terms.tpm)
end

read({ 'minute_began', 'requests', 'tokens', 'budget_began', 'spent', 'reserved' })
if terms.seen then take_over(terms.seen) end
turn_over()
release_abandoned()

-- What this replica has to tell, once only.
if is_news() then
  for _, place in ipairs(ask.changes.places) do hold(place[1]) end
  for _, place in ipairs(ask.changes.releases) do release(place) end
  for _, withdrawn in ipairs(ask.changes.withdrawn) do release(withdrawn[1]) end
  for _, entry in ipairs(ask.changes.counts) do
    local at, requests, tokens = entry[1] * 1000, entry[2], entry[3]
    -- What was counted while the store was away belongs to the minute in which it happened.
    if now - at < MINUTE then
      add('requests', requests)
      add('tokens', tokens)
    end
    if not terms.period or now - at < terms.period then add('spent', tokens) end
  end
end

local before, decisions = standing(), nil
for index, request in ipairs(ask.wanted) do
  decisions = decisions or {}
  local by = index == 1 and before or standing()
  if is_refused(by, request.call) then
    decisions[index] = by
  else
    decisions[index] = 'granted'
    add('requests', 1)
    if request.call then hold(request.call) end
  end
end

write()
redis.call('PEXPIRE', places, KEPT_FOR)
if terms.budget and not terms.period then
  redis.call('PERSIST', counts)
else
  redis.call('PEXPIRE', counts, math.max(KEPT_FOR, terms.budget and terms.period or 0))
end
return cjson.encode({ now = now, decisions = decisions, standing = before })
