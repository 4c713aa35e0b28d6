import { hash } from 'node:crypto'

/** A program that the server runs. It is known there by its SHA-1. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** Redis keeps a record for so much longer than it lasts: its TTL is not set anew by every read. */
const SLACK_MS = 60_000
const RENEWED_MS = 30_000
/** A record without an end is looked at so often, whether it is still there. */
const LOOKED_AT_MS = 24 * 60 * 60 * 1000

/*
 * A record is a hash. Its times and counters are in the field `@when`, the rest in `@record`, one value a line; both are
 * parts of a list in JSON, which is split at its commas or lines and put together again, but never understood here.
 * Fields that others want to read stand beside them, under names that cannot begin with an @.
 *
 * Where records are found without their token:
 *   active:<app>       a sorted set of keys by the second in which they were last active
 *   user:<app>,<user>  a set of keys
 *   due                a sorted set of keys, each with its app and user, by the time when a sweep must look at them
 * App and user are JSON strings, so that no two pairs have the same name, whatever they are made of.
 *
 * The clock is that of the caller, `now`, and may be any: what the server's own clock says is not asked, and what it is
 * told to keep is given as a duration.
 */

/** Of `@when`: last active, reads, idle time, end; created, writes, revision. */
const TIMES = "'^([^,]*),([^,]*),([^,]*),([^,]*),(.*)$'"
/** Of `@record`: app, user, name, address, data. */
const LINES = String.raw`'^([^\n]*),\n([^\n]*),\n([^\n]*),\n([^\n]*),\n(.*)$'`

const BEGIN = `
local ns, call, match, floor = ARGV[1], redis.call, string.match, math.floor
`

const KEEP = `
-- In full: Lua would write 1.7e+12.
local function digits(number) return string.format('%.0f', number) end

-- How long a record lasts that is active now; nil for ever.
local function lasting(now, idle, ends)
  local ms = idle
  if ends and (not ms or ends - now < ms) then ms = ends - now end
  return ms and math.max(0, math.min(ms, 1e15))
end

local function keep(name, ms)
  if ms then call('PEXPIRE', name, digits(ms + ${SLACK_MS})) else call('PERSIST', name) end
end

-- An index is kept for as long as any of its records. left is its TTL, as it was before the record was added.
local function keepIndex(index, left, ms)
  if left == -1 then return end
  if not ms or left < ms + ${SLACK_MS} then keep(index, ms) end
end
`

const INDEX = String.raw`
local function isOver(now, active, idle, ends)
  return (idle and now - active > idle) or (ends and now >= ends)
end

local function keyOf(name) return string.sub(name, -64) end

local function dueName(key, app, user) return key .. '\n' .. app .. '\n' .. user end

local function enter(key, app, user, now, active, ms)
  local byTime, byUser, due = ns .. 'active:' .. app, ns .. 'user:' .. app .. ',' .. user, ns .. 'due'
  local a, u, d = call('PTTL', byTime), call('PTTL', byUser), call('PTTL', due)
  call('ZADD', byTime, digits(floor(active / 1000)), key)
  call('SADD', byUser, key)
  call('ZADD', due, digits(now + math.min((ms or ${LOOKED_AT_MS}) + 1, ${LOOKED_AT_MS})), dueName(key, app, user))
  keepIndex(byTime, a, ms)
  keepIndex(byUser, u, ms)
  keepIndex(due, d, ms)
end

local function leave(key, app, user)
  call('ZREM', ns .. 'active:' .. app, key)
  call('SREM', ns .. 'user:' .. app .. ',' .. user, key)
  call('ZREM', ns .. 'due', dueName(key, app, user))
end
`

function script(...parts: string[]): Script {
  const text = parts.join('')
  return { text, sha: hash('sha1', text) }
}

/** KEYS: the record. ARGV: ns, @when, @record, names and values of other fields. */
export const INSERT = script(
  BEGIN,
  KEEP,
  INDEX,
  `
call('HSET', KEYS[1], '@when', ARGV[2], '@record', unpack(ARGV, 3))
local active, _, idle, ends = match(ARGV[2], ${TIMES})
local app, user = match(ARGV[3], ${LINES})
local now = tonumber(active)
local ms = lasting(now, tonumber(idle), tonumber(ends))
keep(KEYS[1], ms)
enter(keyOf(KEYS[1]), app, user, now, now, ms)
`,
)

/**
 * KEYS: records. ARGV: ns, now, app. Gives for each what it was before, or nil.
 *
 * This is the one that must be fast. What takes time is every call of a command and every function that is made, so what
 * need not be done each time is not: the order of the records of an app is by seconds, and TTLs have some slack.
 */
export const TOUCH = script(
  BEGIN,
  String.raw`
local sub, tonumber, start = string.sub, tonumber, ARGV[3] .. ',\n'
local length, now = #start, tonumber(ARGV[2])
local second, period = floor(now / 1000), floor(now / ${RENEWED_MS})
local answer, moved = {}, {}
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
      if period > floor(last / ${RENEWED_MS}) then
        ${KEEP}
        local _, user = match(record, ${LINES})
        local ms = lasting(now, idleMs, endsAt)
        keep(name, ms)
        for _, index in ipairs({ns .. 'active:' .. ARGV[3], ns .. 'user:' .. ARGV[3] .. ',' .. user, ns .. 'due'}) do
          keepIndex(index, call('PTTL', index), ms)
        end
      end
    end
  end
  answer[i] = before
end
if #moved > 0 then call('ZADD', ns .. 'active:' .. ARGV[3], unpack(moved)) end
return answer
`,
)

/**
 * KEYS: the record. ARGV: ns, now, revision, then user, name, end and data as JSON or empty where they stay, then names
 * and values of other fields. Gives 1 when it was still of that revision.
 */
export const UPDATE = script(
  BEGIN,
  KEEP,
  INDEX,
  String.raw`
local when, record = call('HGET', KEYS[1], '@when'), call('HGET', KEYS[1], '@record')
if not when then return 0 end
local active, reads, idle, ends, rest = match(when, ${TIMES})
local created, writes, revision = match(rest, '^([^,]*),([^,]*),([^,]*),$')
local app, user, name, ip, data = match(record, ${LINES})
local now, last, key = tonumber(ARGV[2]), tonumber(active), keyOf(KEYS[1])
if revision ~= ARGV[3] or isOver(now, last, tonumber(idle), tonumber(ends)) then return 0 end
local function changed(i, before) if ARGV[i] == '' then return before else return ARGV[i] end end
local newUser = changed(4, user)
ends = changed(6, ends)
if now > last then active = ARGV[2] end
local ms = lasting(tonumber(active), tonumber(idle), tonumber(ends))
when = table.concat({active, reads, idle, ends, created, writes + 1, revision + 1, ''}, ',')
record = table.concat({app, newUser, changed(5, name), ip, changed(7, data)}, ',\n')
call('HSET', KEYS[1], '@when', when, '@record', record, unpack(ARGV, 8))
if newUser ~= user then leave(key, app, user) end
keep(KEYS[1], ms)
enter(key, app, newUser, now, tonumber(active), ms)
return 1
`,
)

/** KEYS: the record. ARGV: ns. Gives what it was, or nil. */
export const REMOVE = script(
  BEGIN,
  KEEP,
  INDEX,
  `
local when, record = call('HGET', KEYS[1], '@when'), call('HGET', KEYS[1], '@record')
if not when then return false end
local app, user = match(record, ${LINES})
call('DEL', KEYS[1])
leave(keyOf(KEYS[1]), app, user)
return when .. record
`,
)

/**
 * KEYS: an index, and records that were found in it. ARGV: ns, now, the command that takes a member out of the index,
 * and `user` where no more is wanted than when a record was last active and whose it is. Gives what each is, or nil when
 * it is over: then it is taken out.
 */
export const LOOK = script(
  BEGIN,
  KEEP,
  INDEX,
  `
local now, answer = tonumber(ARGV[2]), {}
for i = 2, #KEYS do
  local name = KEYS[i]
  local when, record = call('HGET', name, '@when'), call('HGET', name, '@record')
  answer[i - 1] = false
  if not when then
    call(ARGV[3], KEYS[1], keyOf(name))
  else
    local active, _, idle, ends = match(when, ${TIMES})
    local app, user = match(record, ${LINES})
    if isOver(now, tonumber(active), tonumber(idle), tonumber(ends)) then
      call('DEL', name)
      leave(keyOf(name), app, user)
    elseif ARGV[4] == 'user' then
      answer[i - 1] = active .. ',' .. user
    else
      answer[i - 1] = when .. record
    end
  end
end
return answer
`,
)

/** ARGV: ns, now, how many to look at. Gives how many it has looked at. */
export const SWEEP = script(
  BEGIN,
  KEEP,
  INDEX,
  String.raw`
local now = tonumber(ARGV[2])
local due = call('ZRANGEBYSCORE', ns .. 'due', '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do
  local key, app, user = match(member, '^([^\n]*)\n([^\n]*)\n(.*)$')
  local name = ns .. key
  local when = call('HGET', name, '@when')
  if not when then
    leave(key, app, user)
  else
    local active, _, idle, ends = match(when, ${TIMES})
    local last, idleMs, endsAt = tonumber(active), tonumber(idle), tonumber(ends)
    if isOver(now, last, idleMs, endsAt) then
      call('DEL', name)
      leave(key, app, user)
    else
      local ms = lasting(last, idleMs, endsAt) or ${LOOKED_AT_MS}
      call('ZADD', ns .. 'due', digits(math.max(now + 1, math.min(last + ms + 1, now + ${LOOKED_AT_MS}))), member)
    end
  end
end
return #due
`,
)
