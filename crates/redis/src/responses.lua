-- One stored response: its text, with an end.
-- KEYS: the text. ARGV: what is asked, as JSON. The answer is JSON too.
local ask = cjson.decode(ARGV[1])

if ask.put then
  redis.call('SET', KEYS[1], ask.put, 'PX', string.format('%d', ask.lifetime))
  return '{}'
end
if ask.remove then
  return cjson.encode({ removed = redis.call('DEL', KEYS[1]) == 1 })
end
local text = redis.call('GET', KEYS[1])
return cjson.encode({ text = text or nil, removed = false })
