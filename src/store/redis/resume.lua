-- Ends the suspension of an account, as an operator confirmed: from here on a new history begins, which no revision of the
-- old one is part of.
--
-- KEYS: meta, log. ARGV: the suspension the operator saw, epoch and counter the operator saw, new epoch, new counter,
-- lineage, format, mode, log entry, the channel of announcements, the account.
local present = redis.call('HMGET', KEYS[1], 'epoch', 'counter', 'suspended')
if present[3] ~= ARGV[1] or (present[1] or '1') ~= ARGV[2] or (present[2] or '0') ~= ARGV[3] then
  return {'moved'}
end
redis.call('XADD', KEYS[2], ARGV[4] .. '-' .. ARGV[5], 'e', ARGV[9], 'l', ARGV[6])
redis.call('HSET', KEYS[1], 'format', ARGV[7], 'mode', ARGV[8], 'epoch', ARGV[4], 'counter', ARGV[5], 'lineage', ARGV[6])
redis.call('HDEL', KEYS[1], 'suspended')
redis.pcall('PUBLISH', ARGV[10], ARGV[11] .. ' ' .. ARGV[4] .. ' ' .. ARGV[5])
return {'resumed'}
