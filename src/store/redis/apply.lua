-- Applies one change to one account, in one step: everything is checked first and written after. Redis takes nothing
-- back when a script breaks off, so whatever a write could fail of is among what is checked.
--
-- KEYS: meta, log, requests, requests by time, nonces, nonces by time, rosters, records, then the hashes the change
-- touches.
-- ARGV: format, mode, expected epoch, expected counter, next counter, where the caller saw the account when it looked at
-- what it changes ("epoch counter lineage"), milliseconds of the change, of the oldest remembered request, of the oldest
-- used nonce, request id (empty: not to be remembered), digest of the change, nonce (empty: none), log entry (empty: there
-- is nothing to change), how many of the touched hashes are rosters (they stand first), lineage after the change, what
-- tells this attempt from others, how many changes the log keeps at least, the channel of announcements, the account,
-- "1" when what was done before must be written once more, for replicas to confirm, then for each record: index of its
-- hash in KEYS, field, "1" and the value or "0" and nothing.
local meta, log, requests, requests_by_time, nonces, nonces_by_time, rosters, records =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local format, mode, epoch, counter, next_counter = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local observed, at, oldest_request, oldest_nonce = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local request, digest, nonce, entry, touched_rosters = ARGV[10], ARGV[11], ARGV[12], ARGV[13], ARGV[14]
local lineage, attempt, kept, channel, account, confirm =
  ARGV[15], ARGV[16], ARGV[17], ARGV[18], ARGV[19], ARGV[20]
local FIRST_HASH, FIRST_RECORD, PRUNED = 9, 21, 8
local NO_LINEAGE = string.rep('\0', 16)
local TYPES = {'hash', 'stream', 'hash', 'zset', 'hash', 'zset', 'set'}
local USED = {
  hash = {'HSET', 'HDEL', 'HLEN'},
  stream = {'XADD', 'XTRIM'},
  zset = {'ZADD', 'ZREM', 'ZRANGE', 'ZRANGEBYSCORE'},
  set = {'SADD', 'SREM', 'SCARD', 'SISMEMBER'},
}

local present = redis.call('HMGET', meta, 'format', 'mode', 'epoch', 'counter', 'lineage', 'suspended')
if present[1] and present[1] ~= format then return {'format', present[1]} end
if present[2] and present[2] ~= mode then return {'mode', present[2]} end
local now_epoch, now_counter = present[3] or '1', present[4] or '0'
if present[6] then return {'suspended', present[6], now_epoch, now_counter} end

-- A driver that lost its connection may send a script once more.
local came_before = false
if nonce ~= '' then
  local used = redis.call('HGET', nonces, nonce)
  if used then
    local used_at, used_by = string.match(used, '^(%d+) (%x+)$')
    if not used_at then return {'damage', nonces} end
    if used_by == attempt then
      came_before = true
    elseif tonumber(used_at) >= tonumber(oldest_nonce) then
      return {'nonce'}
    end
  end
end
if request ~= '' then
  local first = redis.call('HGET', requests, request)
  if first then
    local r_epoch, r_counter, r_at, r_digest = string.match(first, '^(%d+) (%d+) (%d+) (%x+)$')
    if not r_at then return {'damage', requests} end
    if tonumber(r_at) >= tonumber(oldest_request) then
      if r_digest ~= digest then return {'reused'} end
      if confirm == '1' then redis.call('HSET', meta, 'format', format) end
      return {came_before and 'written' or 'repeated', r_epoch, r_counter}
    end
  end
end
if came_before then return {'written', now_epoch, now_counter} end
if now_epoch ~= epoch or now_counter ~= counter then return {'conflict', now_epoch, now_counter} end
if observed ~= now_epoch .. ' ' .. now_counter .. ' ' .. (present[5] or NO_LINEAGE) then return {'again'} end

-- Redis before 7.0 cannot tell.
local function denied(command, ...)
  return redis.acl_check_cmd and not redis.acl_check_cmd(command, ...)
end
for i, key in ipairs(KEYS) do
  local expected, found = TYPES[i] or 'hash', redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= expected then return {'damage', key} end
  for _, command in ipairs(USED[expected]) do
    if denied(command, key, '-', '-', '-') then return {'command', command} end
  end
end
if denied('PUBLISH', channel, '-') then return {'command', 'PUBLISH on the channel ' .. channel} end

-- What went missing must not look like what was never there.
local counted = redis.call('HMGET', meta, 'records', 'rosters')
if counted[1] and redis.call('HLEN', records) < tonumber(counted[1]) then return {'damage', records} end
if counted[2] and redis.call('SCARD', rosters) < tonumber(counted[2]) then return {'damage', rosters} end
for i = FIRST_HASH, FIRST_HASH + tonumber(touched_rosters) - 1 do
  local is_there = redis.call('HLEN', KEYS[i]) > 0
  if is_there ~= (redis.call('SISMEMBER', rosters, KEYS[i]) == 1) then return {'damage', KEYS[i]} end
end

local function remember(hash, by_time, name, value, oldest)
  redis.call('HSET', hash, name, value)
  redis.call('ZADD', by_time, at, name)
  local forgotten = redis.call('ZRANGEBYSCORE', by_time, '-inf', '(' .. oldest, 'LIMIT', 0, PRUNED)
  for _, old in ipairs(forgotten) do
    redis.call('ZREM', by_time, old)
    redis.call('HDEL', hash, old)
  end
end

local reached = counter
if entry ~= '' then
  reached = next_counter
  -- Before all else, because it can still be refused: Redis is full or a replica, or the log has gone past the revision.
  local logged = redis.pcall('XADD', log, epoch .. '-' .. reached, 'e', entry, 'l', lineage)
  if type(logged) == 'table' and logged['err'] then
    if string.sub(logged['err'], 1, 4) == 'ERR ' then return {'log'} end
    return logged
  end
  for i = FIRST_RECORD, #ARGV, 4 do
    local hash, field = KEYS[tonumber(ARGV[i])], ARGV[i + 1]
    if ARGV[i + 2] == '1' then
      redis.call('HSET', hash, field, ARGV[i + 3])
    else
      redis.call('HDEL', hash, field)
    end
  end
  for i = FIRST_HASH, FIRST_HASH + tonumber(touched_rosters) - 1 do
    if redis.call('HLEN', KEYS[i]) > 0 then
      redis.call('SADD', rosters, KEYS[i])
    else
      redis.call('SREM', rosters, KEYS[i])
    end
  end
  redis.call('HSET', meta, 'format', format, 'mode', mode, 'epoch', epoch, 'counter', reached, 'lineage', lineage,
    'records', redis.call('HLEN', records), 'rosters', redis.call('SCARD', rosters))
end
if request ~= '' then
  local value = epoch .. ' ' .. reached .. ' ' .. at .. ' ' .. digest
  remember(requests, requests_by_time, request, value, oldest_request)
  -- What a request did is told from the log as long as the request is remembered, and no longer.
  local oldest = redis.call('ZRANGE', requests_by_time, 0, 0)[1]
  local o_epoch, o_counter = string.match(redis.call('HGET', requests, oldest) or '', '^(%d+) (%d+) ')
  if o_epoch == epoch then
    local first = math.min(tonumber(o_counter), tonumber(reached) - tonumber(kept) + 1)
    if first > 1 then
      redis.call('XTRIM', log, 'MINID', '~', epoch .. '-' .. string.format('%.0f', first))
    end
  end
end
if nonce ~= '' then remember(nonces, nonces_by_time, nonce, at .. ' ' .. attempt, oldest_nonce) end
-- Last, and without it nothing is lost: whoever was not woken looks by itself.
if entry ~= '' then redis.pcall('PUBLISH', channel, account .. ' ' .. epoch .. ' ' .. reached) end
return {'written', epoch, reached}
