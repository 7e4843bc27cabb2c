-- Keeps an answer, unless one is kept whose request was sent later and whose time is not over.
-- KEYS: the answer. ARGV: what is kept; its lifetime in milliseconds. What is kept begins with when its request was sent, when it was kept and its
-- lifetime, in sixteen digits each.
local function time(value, index) return tonumber(string.sub(value, 16 * index - 15, 16 * index)) end

-- What is no text is not an answer, and is replaced.
local kept = redis.pcall('GETRANGE', KEYS[1], 0, 47)
if type(kept) ~= 'string' then kept = '' end
local asked_at, kept_at, lifetime = time(kept, 1), time(kept, 2), time(kept, 3)
local is_newer = asked_at and kept_at and lifetime and asked_at > time(ARGV[1], 1) and kept_at + lifetime > time(ARGV[1], 2)
if is_newer then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
