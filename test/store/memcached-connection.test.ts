import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/store/backend.ts'
import { openBackend } from '../../src/store/open.ts'
import { keyOf, type SessionRecord } from '../../src/store/record.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { dumpMemcached, memcachedInstalled, startMemcached } from '../support/memcached.ts'

/** A time that differs from every clock of this machine. */
const NOW = Date.UTC(2031, 4, 6, 7, 8, 9)
const UNAVAILABLE = { name: 'StoreError', code: 'unavailable' }

describe.skipIf(!memcachedInstalled())('connection to memcached', () => {
  let server: DatabaseServer
  let backend: Backend
  let other: Backend
  beforeAll(async () => {
    server = await startMemcached()
    backend = await openBackend(server.url)
    other = await openBackend(server.url)
  }, 60_000)
  afterAll(async () => {
    await backend?.close()
    await other?.close()
    await server?.close()
  })

  const insert = async (some: Partial<SessionRecord> = {}): Promise<SessionRecord> => {
    const record = recordWith(some)
    await backend.insert(record)
    return record
  }

  test('counts all of many concurrent reads by one or two gateways', async () => {
    const record = await insert()
    const all = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? other : backend))
    const before = await Promise.all(all.map((each) => each.touch('app', record.key, NOW)))
    const reads = before.map((each) => each?.reads ?? -1).sort((a, b) => a - b)
    expect(reads).toEqual(all.map((_, i) => i))
  })

  test('returns a removed record to only one of many concurrent callers', async () => {
    const record = await insert()
    const all = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? other : backend))
    const removed = await Promise.all(
      all.flatMap((each) => [
        each.remove(record.key),
        each.touch('app', record.key, NOW).then(() => undefined),
        each.update(record.key, 0, { user: 'v' }, NOW).then(() => undefined),
      ]),
    )
    expect(removed.filter((each) => each !== undefined)).toHaveLength(1)
    expect(await backend.find(record.key)).toBeUndefined()
    expect(await dumpMemcached(server.url)).not.toContain(record.key)
  })

  test('neither reads nor writes expired records', async () => {
    const record = await insert({ idleMs: 1000 })
    expect(await backend.touch('app', record.key, NOW + 1001)).toBeUndefined()
    expect(await backend.update(record.key, 0, { user: 'v' }, NOW + 1001)).toBe(false)
    expect(await backend.touch('app', record.key, NOW + 1000)).toEqual(record)
  })

  test('rejects an item that is too large with too-large, and keeps the old one', async () => {
    const record = await insert()
    const tooLarge = { name: 'StoreError', code: 'too-large' }
    const data = { text: 'x'.repeat(1_200_000) }
    await expect(backend.update(record.key, 0, { data }, NOW)).rejects.toMatchObject(tooLarge)
    await expect(backend.insert(recordWith({ data }))).rejects.toMatchObject(tooLarge)
    expect(await backend.find(record.key)).toEqual(record)
  })

  test.for([
    [10_000, 10],
    [29 * 86_400_000, 29 * 86_400],
    [31 * 86_400_000, 31 * 86_400],
    [8e15, undefined],
  ] as const)('keeps a record that expires in %i ms for slightly more than %i s', async ([idleMs, seconds]) => {
    const { key } = await insert({ idleMs })
    await backend.touch('app', key, NOW + 1000)
    const line = (await dumpMemcached(server.url)).split('\n').find((each) => each.includes(key))
    const [, expiry = ''] = / ?exp=(-?\d+)/.exec(line ?? '') ?? []
    if (seconds === undefined) expect(expiry).toBe('-1')
    else {
      expect(Number(expiry) - Date.now() / 1000).toBeGreaterThan(seconds)
      expect(Number(expiry) - Date.now() / 1000).toBeLessThan(seconds + 120)
    }
  })

  test('detects a restart of memcached while the connection is idle', async () => {
    const { key } = await insert()
    const before = backend.interruptions
    await server.stop()
    await server.start()
    await expect.poll(() => backend.interruptions).toBe(before + 1)
    expect(await backend.find(key)).toBeUndefined()
    expect(await insert()).toBeDefined()
    expect(backend.interruptions).toBe(before + 1)
  })

  test('rejects all calls within seconds if memcached stops replying, and accepts calls when it replies again', async () => {
    const { key } = await insert()
    const pid = await processId(server)
    await freeze(pid)
    try {
      const started = performance.now()
      const asked = Array.from({ length: 100 }, (_, i) =>
        i % 2 === 0 ? backend.find(key) : backend.touch('app', key, NOW),
      )
      for (const result of await Promise.allSettled(asked)) {
        expect(result).toMatchObject({ status: 'rejected', reason: UNAVAILABLE })
      }
      expect(performance.now() - started).toBeLessThan(6000)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await expect.poll(() => backend.find(key).catch(() => undefined)).toBeDefined()
    expect(backend.interruptions).toBeGreaterThan(0)
  }, 20_000)

  test('rejects with unavailable within seconds if memcached is not running or does not reply', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    for (const url of [`memcache://127.0.0.1:${port}`, 'memcache://127.0.0.1:1', 'memcache://no-such-host.invalid']) {
      const started = performance.now()
      await expect(openBackend(url)).rejects.toMatchObject(UNAVAILABLE)
      expect(performance.now() - started).toBeLessThan(5000)
    }
    silent.close()
  }, 20_000)

  test('rejects an invalid URL with a message that does not contain the password', async () => {
    for (const url of [
      'memcache://[::1]:11211',
      'memcache:',
      'memcache://127.0.0.1/0',
      'memcache://u:hunter2@127.0.0.1',
    ]) {
      const error = await openBackend(url).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(TypeError)
      expect(String(error)).not.toContain('hunter2')
    }
    await expect(openBackend(`${server.url}?fields.ip=same&fields.stop=same`)).rejects.toThrow('"same"')
  })

  test('rejects calls on a closed store and does not reconnect', async () => {
    const closed = await openBackend(server.url)
    const { key } = await insert()
    const asked = closed.find(key).catch((reason: unknown) => reason)
    await closed.close()
    expect(await asked).toMatchObject(UNAVAILABLE)
    await expect(closed.find(key)).rejects.toMatchObject(UNAVAILABLE)
    await sleep(50)
    expect(closed.interruptions).toBe(0)
  })
})

function recordWith(some: Partial<SessionRecord>): SessionRecord {
  const times = { created: NOW, lastActive: NOW, idleMs: null, endsAt: null }
  const counts = { reads: 0, writes: 0, revision: 0 }
  return { key: keyOf(randomUUID()), app: 'app', user: 'u', name: '', ip: '', ...times, ...counts, data: {}, ...some }
}

/** Stops a process until SIGCONT: it accepts commands and does not reply. */
async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  // SIGSTOP does not take effect immediately.
  await sleep(100)
}

async function processId({ port }: DatabaseServer): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  socket.write('stats\r\n')
  let answer = ''
  for await (const chunk of socket) {
    answer += chunk
    if (answer.endsWith('END\r\n')) break
  }
  const [, pid] = /STAT pid (\d+)/.exec(answer) ?? []
  return Number(pid)
}
