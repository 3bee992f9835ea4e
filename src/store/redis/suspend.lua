-- Suspends an account: nobody decides on it or changes it until an operator has looked.
--
-- KEYS: meta. ARGV: epoch, counter and lineage that were known.
local present = redis.call('HMGET', KEYS[1], 'epoch', 'counter', 'lineage', 'suspended')
if present[4] then return {'suspended', present[4]} end
-- Meanwhile the right primary is back, or an operator was faster and began a later history.
local is_back = present[1] == ARGV[1] and present[2] == ARGV[2] and present[3] == ARGV[3]
if is_back or tonumber(present[1] or '1') > tonumber(ARGV[1]) then return {'sound'} end
redis.call('HSET', KEYS[1], 'suspended', ARGV[1] .. ' ' .. ARGV[2])
return {'suspended', ARGV[1] .. ' ' .. ARGV[2]}
