-- Suspends an account: nobody decides on it or changes it until an operator has looked.
--
-- KEYS: meta. ARGV: epoch and counter that were known.
local present = redis.call('HMGET', KEYS[1], 'epoch', 'suspended')
if present[2] then return {'suspended', present[2]} end
local epoch = tonumber(present[1] or '1')
-- An operator was faster: this is a later history.
if epoch > tonumber(ARGV[1]) then return {'recovered'} end
redis.call('HSET', KEYS[1], 'suspended', ARGV[1] .. ' ' .. ARGV[2])
return {'suspended', ARGV[1] .. ' ' .. ARGV[2]}
