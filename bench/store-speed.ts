import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { MemoryBackend } from '../src/store/backends/memory.ts'
import { openBackend } from '../src/store/open.ts'
import { type Key, keyOf } from '../src/store/record.ts'
import { SessionStore } from '../src/store/store.ts'
import { heldBytes } from './memory-probe.ts'
import { alternate } from './rounds.ts'

const APP = 'bench'
const ROUNDS = 9
const RECORDS = 10_000
/** Concurrent commands. */
const AT_ONCE = 64
const REDIS_GETS = 6400
const MILLION = 1_000_000
const FEW = 1000

/** Microseconds per get with touch, and per lookup in a `Map` with the hash of the token. */
export interface MemorySpeed {
  touch: number[]
  lookup: number[]
}

export async function measureMemoryStore(): Promise<MemorySpeed> {
  const store = new SessionStore(new MemoryBackend({ maxRecords: RECORDS, maxBytes: 1e9 }))
  const map = new Map<Key, object>()
  const tokens = Array.from({ length: RECORDS }, () => randomUUID())
  for (const [i, token] of tokens.entries()) {
    const record = await store.create({ key: keyOf(token), app: APP, user: `u${i}`, idleMs: 1e9, data: { a: 1 } })
    map.set(record.key, record)
  }
  const touch = (): Promise<number> =>
    perItem(tokens, async () => {
      for (const token of tokens) if ((await store.touch(APP, keyOf(token))) === undefined) throw new Error('lost')
    })
  const lookup = (): Promise<number> =>
    perItem(tokens, async () => {
      for (const token of tokens) if (map.get(keyOf(token)) === undefined) throw new Error('lost')
    })
  for (let i = 0; i < 3; i++) await touch().then(lookup)
  return await alternate(ROUNDS, { touch, lookup })
}

/** Microseconds per get with touch on Redis, and per GET of equal size at equal concurrency. */
export async function measureRedisStore(url: string): Promise<{ touch: number[]; get: number[] }> {
  const store = new SessionStore(await openBackend(url))
  // The same client options as the gateway's.
  const client = await createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    commandOptions: { timeout: 0 },
  }).connect()
  const tokens = Array.from({ length: AT_ONCE }, () => randomUUID())
  for (const token of tokens) {
    const record = await store.create({ key: keyOf(token), app: APP, user: 'u', idleMs: 1e9, data: { a: 1 } })
    await client.set(`plain:${record.key}`, JSON.stringify(record))
  }
  const timesOver = async (work: (token: string) => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    for (let done = 0; done < REDIS_GETS; done += AT_ONCE) await Promise.all(tokens.map(work))
    return ((performance.now() - start) * 1000) / REDIS_GETS
  }
  const touch = () => timesOver((token) => store.touch(APP, keyOf(token)))
  const get = () => timesOver((token) => client.get(`plain:${keyOf(token)}`).then((text) => JSON.parse(text as string)))
  for (let i = 0; i < 3; i++) await touch().then(get)
  const measured = await alternate(ROUNDS, { touch, get })
  await store.close()
  client.destroy()
  return measured
}

/** Memory of a million records, and times of lists of equal length among few and among a million records. */
export interface Million {
  bytes: number
  /** microseconds, among `FEW` and among a million */
  listUser: [few: number, many: number]
  listActive: [few: number, many: number]
}

export async function measureMillion(): Promise<Million> {
  const before = await heldBytes()
  const many = await filled(MILLION)
  const bytes = ((await heldBytes()) - before) / MILLION
  const few = await filled(FEW)
  const both = async (list: (store: SessionStore) => Promise<void>): Promise<[number, number]> => {
    for (let i = 0; i < 200; i++) await list(few).then(() => list(many))
    return [await timeOf(() => list(few)), await timeOf(() => list(many))]
  }
  return {
    bytes,
    listUser: await both((store) => drained(store.listUser(APP, 'u7'))),
    listActive: await both((store) => drained(store.listActive(APP, 3_600_000, 100))),
  }
}

async function drained(pages: AsyncIterable<unknown[]>): Promise<void> {
  for await (const page of pages) if (page.length === 0) throw new Error('an empty list')
}

/** Ten records for each user. */
async function filled(count: number): Promise<SessionStore> {
  const store = new SessionStore(new MemoryBackend({ maxRecords: count, maxBytes: 1e9 }))
  for (let i = 0; i < count; i++) {
    const user = `u${i % (count / 10)}`
    await store.create({ key: keyOf(`${count} ${i}`), app: APP, user, ip: '192.0.2.1', idleMs: 1e9, data: { a: i } })
    if (i % 50_000 === 0) await sleep(0)
  }
  return store
}

async function perItem(items: readonly unknown[], work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return ((performance.now() - start) * 1000) / items.length
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const times = 2000
  const start = performance.now()
  for (let i = 0; i < times; i++) await work()
  return ((performance.now() - start) * 1000) / times
}
