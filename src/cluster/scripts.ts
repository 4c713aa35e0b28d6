import { hash } from 'node:crypto'
import type { Script } from '../store/backends/redis/scripts.ts'

/*
 * Keys in Redis, after a common prefix:
 *   slot:<slot>  JSON of the `Owner` that holds the slot, until its lease expires
 *   owners       hash of the JSON of the `Owner` that held each slot last, without expiry, or `ended`: a node whose lease
 *                has expired may take its slot again only if no other node has held it since, and answers for it until then
 *   settings     what all nodes have in common, while a node is alive: the fingerprint of the cluster key and the time of
 *                a lease, separated by a space
 *   demo:<id>    JSON of the address of a demo server, until the lease of the node that runs it expires
 *
 * CLAIM and RENEW reply with an outcome, the time of Redis as seconds and microseconds, and the settings if they differ.
 */

/**
 * Ends the leases of earlier starts of a node, in all slots, if none of them may be alive.
 *
 * KEYS: owners, settings. ARGV: the prefix of slots, the settings, the URL of the node, and how long the lease of a
 * living node lasts at least, milliseconds. Replies with the longest time that the lease of such a node lasts; with 0
 * if there is none, and with the settings of the nodes if they have others.
 */
export const END_EARLIER = script(`
local settings = redis.call('GET', KEYS[2])
if settings and settings ~= ARGV[2] then return settings end
local longest = 0
local ended = {}
for _, slot in ipairs(redis.call('HKEYS', KEYS[1])) do
  local isJson, owner = pcall(cjson.decode, redis.call('GET', ARGV[1] .. slot) or '')
  if isJson and type(owner) == 'table' and owner.url == ARGV[3] then
    local left = redis.call('PTTL', ARGV[1] .. slot)
    if left > tonumber(ARGV[4]) then longest = math.max(longest, left) else table.insert(ended, slot) end
  end
end
if longest > 0 then return longest end
for _, slot in ipairs(ended) do
  redis.call('DEL', ARGV[1] .. slot)
  redis.call('HSET', KEYS[1], slot, 'ended')
end
return 0
`)

/**
 * Takes a slot that is free.
 *
 * KEYS: the slot, owners, settings. ARGV: JSON of the owner, the slot, the TTL in milliseconds, the settings.
 */
export const CLAIM = script(`
local settings = redis.call('GET', KEYS[3])
if settings and settings ~= ARGV[4] then return {'other-settings', redis.call('TIME'), settings} end
if redis.call('EXISTS', KEYS[1]) == 1 then return {'taken', redis.call('TIME')} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[3])
return {'held', redis.call('TIME')}
`)

/**
 * Renews a lease, and takes it again if it has expired and no other node has held the slot since. The same arguments.
 */
export const RENEW = script(`
local settings = redis.call('GET', KEYS[3])
if settings and settings ~= ARGV[4] then return {'other-settings', redis.call('TIME'), settings} end
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return {'taken', redis.call('TIME')} end
if not held then
  local last = redis.call('HGET', KEYS[2], ARGV[2])
  if last and last ~= ARGV[1] then return {'taken', redis.call('TIME')} end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[3])
return {held and 'held' or 'retaken', redis.call('TIME')}
`)

/** Gives a slot up, unless another node has it. KEYS: the slot, owners. ARGV: JSON of the owner, the slot. */
export const GIVE_UP = script(`
if redis.call('HGET', KEYS[2], ARGV[2]) == ARGV[1] then redis.call('HSET', KEYS[2], ARGV[2], 'ended') end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
`)

/** The time of Redis since 1970. */
export type RedisTime = [seconds: string, microseconds: string]
/** What CLAIM and RENEW reply. */
export type LeaseReply =
  | [outcome: 'held' | 'retaken' | 'taken', time: RedisTime]
  | [outcome: 'other-settings', time: RedisTime, settings: string]

/**
 * Takes or renews the lease of a demo server, unless another node has it.
 *
 * KEYS: the lease. ARGV: JSON of the address, TTL in milliseconds. Replies with the JSON of the holder.
 */
export const HOLD = script(`
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`)

/** Deletes the lease of a demo server, unless another node has it. KEYS: the lease. ARGV: its JSON. */
export const RELEASE = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`)

export function script(text: string): Script {
  return { text, sha: hash('sha1', text) }
}
