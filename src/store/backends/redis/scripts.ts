import { hash } from 'node:crypto'

/** A Lua script and its SHA-1, under which the server caches it. */
export interface Script {
  /** the source text, for EVAL */
  readonly text: string
  /** the SHA-1 of the text in hexadecimal, for EVALSHA */
  readonly sha: string
}

/** Extra TTL of records and indexes, milliseconds: not every read renews the TTL. */
const SLACK_MS = 60_000
/** Interval at which reads renew TTLs, milliseconds. */
const RENEWAL_MS = 30_000
/** Interval at which sweeps check whether a record without expiry still exists, milliseconds. */
const CHECK_MS = 24 * 60 * 60 * 1000

/*
 * A record is a hash. The field `@when` contains its times and counters separated by commas, `@record` the other
 * values, one per line. Together they are a JSON list, which the scripts split and join but never parse. Fields for
 * other programs are in the same hash; their names cannot begin with `@`.
 *
 * Indexes:
 *   active:<app>       sorted set of keys by the second of their last activity
 *   user:<app>,<user>  set of keys
 *   due                sorted set of keys, each with its app and user, by the time of their next sweep check
 * App and user are JSON strings, so that each pair has a name of its own, whatever characters they contain.
 *
 * The caller passes the store's time as `now`, milliseconds since 1970. The scripts do not read the server's clock;
 * TTLs are durations.
 */

/** Pattern of `@when`: last activity, reads, idle timeout, end; then created, writes, revision. */
const TIMES = "'^([^,]*),([^,]*),([^,]*),([^,]*),(.*)$'"
/** Pattern of `@record`: app, user, name, address, data. */
const LINES = String.raw`'^([^\n]*),\n([^\n]*),\n([^\n]*),\n([^\n]*),\n(.*)$'`

const BEGIN = `
local ns, call, match, floor = ARGV[1], redis.call, string.match, math.floor
`

const TTL = `
-- Lua would format large numbers as 1.7e+12.
local function digits(number) return string.format('%.0f', number) end

-- Returns the lifetime of a record that is active now, milliseconds; nil for no expiry.
local function lifetimeOf(now, idle, ends)
  local ms = idle
  if ends and (not ms or ends - now < ms) then ms = ends - now end
  return ms and math.max(0, math.min(ms, 1e15))
end

local function setTtl(name, ms)
  if ms then call('PEXPIRE', name, digits(ms + ${SLACK_MS})) else call('PERSIST', name) end
end

-- Extends the TTL of an index to that of its longest-lived record. left is its TTL before the record was added.
local function extendIndexTtl(index, left, ms)
  if left == -1 then return end
  if not ms or left < ms + ${SLACK_MS} then setTtl(index, ms) end
end
`

const INDEX = String.raw`
local function isExpired(now, active, idle, ends)
  return (idle and now - active > idle) or (ends and now >= ends)
end

local function keyOf(name) return string.sub(name, -64) end

local function dueName(key, app, user) return key .. '\n' .. app .. '\n' .. user end

local function addToIndexes(key, app, user, now, active, ms)
  local byTime, byUser, due = ns .. 'active:' .. app, ns .. 'user:' .. app .. ',' .. user, ns .. 'due'
  local a, u, d = call('PTTL', byTime), call('PTTL', byUser), call('PTTL', due)
  call('ZADD', byTime, digits(floor(active / 1000)), key)
  call('SADD', byUser, key)
  call('ZADD', due, digits(now + math.min((ms or ${CHECK_MS}) + 1, ${CHECK_MS})), dueName(key, app, user))
  extendIndexTtl(byTime, a, ms)
  extendIndexTtl(byUser, u, ms)
  extendIndexTtl(due, d, ms)
end

local function removeFromIndexes(key, app, user)
  call('ZREM', ns .. 'active:' .. app, key)
  call('SREM', ns .. 'user:' .. app .. ',' .. user, key)
  call('ZREM', ns .. 'due', dueName(key, app, user))
end
`

function script(...parts: string[]): Script {
  const text = parts.join('')
  return { text, sha: hash('sha1', text) }
}

/** Adds a record. KEYS: the record. ARGV: ns, @when, @record, then names and values of other fields. */
export const INSERT = script(
  BEGIN,
  TTL,
  INDEX,
  `
call('HSET', KEYS[1], '@when', ARGV[2], '@record', unpack(ARGV, 3))
local active, _, idle, ends = match(ARGV[2], ${TIMES})
local app, user = match(ARGV[3], ${LINES})
local now = tonumber(active)
local ms = lifetimeOf(now, tonumber(idle), tonumber(ends))
setTtl(KEYS[1], ms)
addToIndexes(keyOf(KEYS[1]), app, user, now, now, ms)
`,
)

/**
 * Reads records. KEYS: records. ARGV: ns, now, app. Returns each record before the read, or nil.
 *
 * This script runs most often, so it must be fast. Its cost depends on the number of commands and created functions.
 * Therefore it updates the index by activity once a second, and TTLs every 30 seconds.
 */
export const TOUCH = script(
  BEGIN,
  String.raw`
local sub, tonumber, start = string.sub, tonumber, ARGV[3] .. ',\n'
local length, now = #start, tonumber(ARGV[2])
local second, period = floor(now / 1000), floor(now / ${RENEWAL_MS})
local reply, moved = {}, {}
for i = 1, #KEYS do
  local name, before = KEYS[i], false
  local record = call('HGET', name, '@record')
  if record and sub(record, 1, length) == start then
    local when = call('HGET', name, '@when')
    local active, reads, idle, ends, rest = match(when, ${TIMES})
    local last, idleMs, endsAt = tonumber(active), tonumber(idle), tonumber(ends)
    if not ((idleMs and now - last > idleMs) or (endsAt and now >= endsAt)) then
      before = when .. record
      if now > last then active = ARGV[2] end
      call('HSET', name, '@when', active .. ',' .. (reads + 1) .. ',' .. idle .. ',' .. ends .. ',' .. rest)
      if second > floor(last / 1000) then
        moved[#moved + 1] = second
        moved[#moved + 1] = sub(name, -64)
      end
      if period > floor(last / ${RENEWAL_MS}) then
        ${TTL}
        local _, user = match(record, ${LINES})
        local ms = lifetimeOf(now, idleMs, endsAt)
        setTtl(name, ms)
        for _, index in ipairs({ns .. 'active:' .. ARGV[3], ns .. 'user:' .. ARGV[3] .. ',' .. user, ns .. 'due'}) do
          extendIndexTtl(index, call('PTTL', index), ms)
        end
      end
    end
  end
  reply[i] = before
end
if #moved > 0 then call('ZADD', ns .. 'active:' .. ARGV[3], unpack(moved)) end
return reply
`,
)

/**
 * Writes a record. KEYS: the record. ARGV: ns, now, revision; user, name, end and data as JSON, or empty for no change;
 * then names and values of other fields. Returns 1 if the record still had the revision, otherwise 0.
 */
export const UPDATE = script(
  BEGIN,
  TTL,
  INDEX,
  String.raw`
local when, record = call('HGET', KEYS[1], '@when'), call('HGET', KEYS[1], '@record')
if not when then return 0 end
local active, reads, idle, ends, rest = match(when, ${TIMES})
local created, writes, revision = match(rest, '^([^,]*),([^,]*),([^,]*),$')
local app, user, name, ip, data = match(record, ${LINES})
local now, last, key = tonumber(ARGV[2]), tonumber(active), keyOf(KEYS[1])
if revision ~= ARGV[3] or isExpired(now, last, tonumber(idle), tonumber(ends)) then return 0 end
local function changed(i, before) if ARGV[i] == '' then return before else return ARGV[i] end end
local newUser = changed(4, user)
ends = changed(6, ends)
if now > last then active = ARGV[2] end
local ms = lifetimeOf(tonumber(active), tonumber(idle), tonumber(ends))
when = table.concat({active, reads, idle, ends, created, writes + 1, revision + 1, ''}, ',')
record = table.concat({app, newUser, changed(5, name), ip, changed(7, data)}, ',\n')
call('HSET', KEYS[1], '@when', when, '@record', record, unpack(ARGV, 8))
if newUser ~= user then removeFromIndexes(key, app, user) end
setTtl(KEYS[1], ms)
addToIndexes(key, app, newUser, now, tonumber(active), ms)
return 1
`,
)

/** Removes a record. KEYS: the record. ARGV: ns. Returns the record, or nil. */
export const REMOVE = script(
  BEGIN,
  TTL,
  INDEX,
  `
local when, record = call('HGET', KEYS[1], '@when'), call('HGET', KEYS[1], '@record')
if not when then return false end
local app, user = match(record, ${LINES})
call('DEL', KEYS[1])
removeFromIndexes(keyOf(KEYS[1]), app, user)
return when .. record
`,
)

/**
 * Reads records found in an index and removes expired ones. KEYS: the index, then the records. ARGV: ns, now, the
 * command that removes a member from the index, and `user` to return only last activity and user. Returns the text of
 * each record, nil for missing and expired ones.
 */
export const READ_INDEXED = script(
  BEGIN,
  TTL,
  INDEX,
  `
local now, reply = tonumber(ARGV[2]), {}
for i = 2, #KEYS do
  local name = KEYS[i]
  local when, record = call('HGET', name, '@when'), call('HGET', name, '@record')
  reply[i - 1] = false
  if not when then
    call(ARGV[3], KEYS[1], keyOf(name))
  else
    local active, _, idle, ends = match(when, ${TIMES})
    local app, user = match(record, ${LINES})
    if isExpired(now, tonumber(active), tonumber(idle), tonumber(ends)) then
      call('DEL', name)
      removeFromIndexes(keyOf(name), app, user)
    elseif ARGV[4] == 'user' then
      reply[i - 1] = active .. ',' .. user
    else
      reply[i - 1] = when .. record
    end
  end
end
return reply
`,
)

/**
 * Checks the records in `due` whose time has come, and removes expired ones. ARGV: ns, now, maximum number of records.
 * Returns the number of checked records.
 */
export const SWEEP = script(
  BEGIN,
  TTL,
  INDEX,
  String.raw`
local now = tonumber(ARGV[2])
local due = call('ZRANGEBYSCORE', ns .. 'due', '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do
  local key, app, user = match(member, '^([^\n]*)\n([^\n]*)\n(.*)$')
  local name = ns .. key
  local when = call('HGET', name, '@when')
  if not when then
    removeFromIndexes(key, app, user)
  else
    local active, _, idle, ends = match(when, ${TIMES})
    local last, idleMs, endsAt = tonumber(active), tonumber(idle), tonumber(ends)
    if isExpired(now, last, idleMs, endsAt) then
      call('DEL', name)
      removeFromIndexes(key, app, user)
    else
      local ms = lifetimeOf(last, idleMs, endsAt) or ${CHECK_MS}
      call('ZADD', ns .. 'due', digits(math.max(now + 1, math.min(last + ms + 1, now + ${CHECK_MS}))), member)
    end
  end
end
return #due
`,
)
