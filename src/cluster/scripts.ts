import { hash } from 'node:crypto'
import type { Script } from '../store/backends/redis/scripts.ts'

/*
 * Keys in Redis, after a common prefix:
 *   slot:<slot>  JSON of the `Owner` that holds the slot, until its lease expires
 *   epochs       hash of the epoch that held each slot last, without expiry: a node whose lease has expired may take its
 *                slot again only if no other node has held it since
 *   key          fingerprint of the cluster key, while a node is alive
 *
 * The scripts reply with an outcome and the time of Redis as seconds and microseconds.
 */

/**
 * ARGV: JSON of the owner, its epoch, its URL, the slot, the TTL in milliseconds, the fingerprint, and for CLAIM whether it
 * replaces an owner with its own URL, which has ended.
 */
export const CLAIM = script(`
local print = redis.call('GET', KEYS[3])
if print and print ~= ARGV[6] then return {'other-key', redis.call('TIME')} end
local held = redis.call('GET', KEYS[1])
if held and (ARGV[7] == 'false' or cjson.decode(held).url ~= ARGV[3]) then return {'taken', redis.call('TIME')} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[5])
redis.call('HSET', KEYS[2], ARGV[4], ARGV[2])
redis.call('SET', KEYS[3], ARGV[6], 'PX', ARGV[5])
return {'held', redis.call('TIME')}
`)

/** The same arguments. A lease that has expired is taken again if no other node has held the slot since. */
export const RENEW = script(`
local print = redis.call('GET', KEYS[3])
if print and print ~= ARGV[6] then return {'other-key', redis.call('TIME')} end
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return {'taken', redis.call('TIME')} end
if not held then
  local last = redis.call('HGET', KEYS[2], ARGV[4])
  if last and last ~= ARGV[2] then return {'taken', redis.call('TIME')} end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[5])
redis.call('HSET', KEYS[2], ARGV[4], ARGV[2])
redis.call('SET', KEYS[3], ARGV[6], 'PX', ARGV[5])
return {held and 'held' or 'retaken', redis.call('TIME')}
`)

/** Deletes the lease of an owner. ARGV: JSON of the owner. */
export const RELEASE = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`)

/** What CLAIM and RENEW reply. */
export type LeaseReply = [
  outcome: 'held' | 'retaken' | 'taken' | 'other-key',
  time: [seconds: string, microseconds: string],
]

/** Returns a script by its text. */
export function script(text: string): Script {
  return { text, sha: hash('sha1', text) }
}
