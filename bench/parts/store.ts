import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MongoClient } from 'mongodb'
import { createClient } from 'redis'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { openBackend } from '../../src/store/open.ts'
import { type Key, keyOf } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import { ferretdbInstalled, startFerretdb } from '../../test/support/ferretdb.ts'
import { startKomgate } from '../../test/support/komgate-process.ts'
import { redisInstalled, startRedis } from '../../test/support/redis-server.ts'
import type { Scope } from '../../test/support/scope.ts'
import { median, timed } from '../../test/support/statistics.ts'
import { startChild } from '../child.ts'
import { alternate, compare, precise, progress, type Row, runPart } from '../part.ts'

const APP = 'bench'
const ROUNDS = 9
const RECORDS = 10_000
/** Concurrent commands. */
const CONCURRENCY = 64
const REDIS_GETS = 6400
const MONGODB_GETS = 400
const MILLION = 1_000_000
const FEW = 1000
const LISTS = 500
const CONNECTIONS = 64
const THROUGHPUT_MS = 1000
const THROUGHPUT_ROUNDS = 5

/** Measures the session store: in memory, on Redis, through the REST-Sessions API, and with a million records. */
async function measure(scope: Scope): Promise<Row[]> {
  return [
    await memoryRow(),
    ...(await redisRows(scope)),
    ...(await mongodbRows(scope)),
    await httpRow(scope),
    ...(await millionRows()),
  ]
}

async function memoryRow(): Promise<Row> {
  const store = new SessionStore(new MemoryBackend({ maxRecords: RECORDS, maxBytes: 1e9 }))
  const map = new Map<Key, object>()
  const tokens = Array.from({ length: RECORDS }, () => randomUUID())
  for (const [i, token] of tokens.entries()) {
    const record = await store.create({ key: keyOf(token), app: APP, user: `u${i}`, idleMs: 1e9, data: { a: 1 } })
    map.set(record.key, record)
  }
  const touch = async (): Promise<void> => {
    for (const token of tokens) if ((await store.touch(APP, keyOf(token))) === undefined) throw new Error('lost')
  }
  const lookup = (): void => {
    for (const token of tokens) if (map.get(keyOf(token)) === undefined) throw new Error('lost')
  }
  const { what, against } = await microseconds('store in memory', RECORDS, touch, lookup)
  const [touchTime, lookupTime] = [median(what), median(against)]
  return {
    what: 'get with touch, in memory',
    against: 'a Map lookup and the hash',
    aim: '<= 2 us over it',
    figures: `${precise(touchTime - lookupTime)} us over it: ${precise(touchTime)} / ${precise(lookupTime)} us`,
  }
}

/** Compares get with touch and a GET of equal size at equal concurrency, with the client options of the gateway. */
async function redisRows(scope: Scope): Promise<Row[]> {
  if (!redisInstalled()) {
    process.stdout.write('store: Redis is not installed; measurements with it are skipped\n')
    return []
  }
  const { url } = scope.use(await startRedis(), (running) => running.close())
  const store = scope.use(new SessionStore(await openBackend(url)), (opened) => opened.close())
  const options = { url, RESP: 2 as const, disableOfflineQueue: true, commandOptions: { timeout: 0 } }
  const client = scope.use(await createClient(options).connect(), (connected) => connected.destroy())
  const tokens = Array.from({ length: CONCURRENCY }, () => randomUUID())
  for (const token of tokens) {
    const record = await store.create({ key: keyOf(token), app: APP, user: 'u', idleMs: 1e9, data: { a: 1 } })
    await client.set(`plain:${record.key}`, JSON.stringify(record))
  }
  const repeated = (work: (token: string) => Promise<unknown>) => async (): Promise<void> => {
    for (let done = 0; done < REDIS_GETS; done += CONCURRENCY) await Promise.all(tokens.map(work))
  }
  const touch = repeated((token) => store.touch(APP, keyOf(token)))
  const get = repeated((token) => client.get(`plain:${keyOf(token)}`).then((text) => JSON.parse(text as string)))
  const times = await microseconds('store on Redis', REDIS_GETS, touch, get)
  const what = `get with touch, on Redis, ${CONCURRENCY} at once`
  return [
    compare({ what, against: 'a bare GET of the record, pipelined', aim: '<= 1.3' }, times.what, times.against, 'us'),
  ]
}

/**
 * Compares get with touch, a findOne and the smallest update of the same document, through the same driver. FerretDB
 * writes every update to the disk.
 */
async function mongodbRows(scope: Scope): Promise<Row[]> {
  if (!ferretdbInstalled()) {
    process.stdout.write('store: FerretDB is not built; measurements with it are skipped\n')
    return []
  }
  const { url } = scope.use(await startFerretdb(), (running) => running.close())
  const store = scope.use(new SessionStore(await openBackend(`${url}?sid_field=_id`)), (opened) => opened.close())
  const client = scope.use(new MongoClient(url), (opened) => opened.close())
  const collection = client.db().collection<{ _id: Key; n?: number }>('komgate_sessions')
  const { key } = await store.create({ key: keyOf(randomUUID()), app: APP, user: 'u', idleMs: 1e9, data: { a: 1 } })
  const repeated = (work: () => Promise<unknown>) => async (): Promise<void> => {
    for (let i = 0; i < MONGODB_GETS; i++) if ((await work()) == null) throw new Error('lost')
  }
  const touch = repeated(() => store.touch(APP, key))
  const find = repeated(() => collection.findOne({ _id: key }))
  const update = repeated(() => collection.findOneAndUpdate({ _id: key }, { $inc: { n: 1 } }))
  const what = 'get with touch, on FerretDB, one at a time'
  const finds = await microseconds('store on MongoDB', MONGODB_GETS, touch, find)
  const updates = await microseconds('store on MongoDB', MONGODB_GETS, touch, update)
  return [
    compare({ what, against: 'a bare findOne' }, finds.what, finds.against, 'us'),
    compare({ what, against: 'a bare findOneAndUpdate' }, updates.what, updates.against, 'us'),
  ]
}

async function httpRow(scope: Scope): Promise<Row> {
  const load = await startChild<typeof import('../http-load.ts')>(scope, 'http-load')
  const baselines = await startChild<typeof import('../baselines.ts')>(scope, 'baselines')
  const hello = { port: await baselines.call('listenHello'), path: '/hello' }
  const args = ['--compat', 'rest-sessions', '--insecure-compat', 'true', '--log-level', 'silent']
  const { port } = await startKomgate(scope, { servers: {}, apps: [APP], args })
  const created = await fetch(`http://127.0.0.1:${port}/${APP}/create/user?ip=192.0.2.1`, { method: 'PUT' })
  const { token } = (await created.json()) as { token: string }
  const api = { port, path: `/${APP}/get/${token}` }
  const rate = (target: typeof api) => load.call('throughput', target, CONNECTIONS, THROUGHPUT_MS)
  for (const target of [hello, api]) await rate(target)
  const rates = await alternate('REST-Sessions', THROUGHPUT_ROUNDS, { hello: () => rate(hello), api: () => rate(api) })
  const against = `Hono hello, ${CONNECTIONS} connections`
  return compare({ what: 'REST-Sessions get, in memory', against, aim: '>= 0.7' }, rates.api, rates.hello, 'requests/s')
}

/** Measures the memory of a million records, and lists of equal length among few and among a million records. */
async function millionRows(): Promise<Row[]> {
  progress('a million records')
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const heldBytes = (): number => {
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = heldBytes()
  const many = await filledStore(MILLION)
  const bytes = (heldBytes() - before) / MILLION
  const few = await filledStore(FEW)
  const row = async (what: string, list: (store: SessionStore) => AsyncIterable<unknown[]>): Promise<Row> => {
    const drain = (store: SessionStore) => async (): Promise<void> => {
      for (let i = 0; i < LISTS; i++) {
        for await (const page of list(store)) if (page.length === 0) throw new Error('an empty list')
      }
    }
    const times = await microseconds(what, LISTS, drain(many), drain(few))
    const names = { what: `${what} among a million records`, against: 'the same among a thousand', aim: 'O(answer)' }
    return compare(names, times.what, times.against, 'us')
  }
  return [
    { what: 'a record in memory, of a million', figures: `${precise(bytes)} bytes` },
    await row("a user's 10 sessions", (store) => store.listUser(APP, 'u7')),
    await row('the 100 last active', (store) => store.listActive(APP, 3_600_000, 100)),
  ]
}

/** Ten records for each user. */
async function filledStore(count: number): Promise<SessionStore> {
  const store = new SessionStore(new MemoryBackend({ maxRecords: count, maxBytes: 1e9 }))
  for (let i = 0; i < count; i++) {
    const user = `u${i % (count / 10)}`
    await store.create({ key: keyOf(`${count} ${i}`), app: APP, user, ip: '192.0.2.1', idleMs: 1e9, data: { a: i } })
    // Lets the progress line be printed.
    if (i % 50_000 === 0) await sleep(0)
  }
  return store
}

/** Returns the microseconds that each of `count` operations of `what` and of `against` takes, in each round. */
async function microseconds(title: string, count: number, what: () => unknown, against: () => unknown) {
  const eachOf = (work: () => unknown) => async () => ((await timed(async () => work())) * 1000) / count
  const works = { what: eachOf(what), against: eachOf(against) }
  for (let i = 0; i < 3; i++) await works.what().then(works.against)
  return await alternate(title, ROUNDS, works)
}

await runPart('store', measure)
