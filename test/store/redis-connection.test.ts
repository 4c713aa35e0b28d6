import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/store/backend.ts'
import { openBackend } from '../../src/store/open.ts'
import { keyOf } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import { all } from '../support/all.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'

const PASSWORD = 'hunter2: 100% @/#'
const UNAVAILABLE = { name: 'StoreError', code: 'unavailable' }

describe.skipIf(!redisInstalled())('connection to Redis', () => {
  let server: DatabaseServer
  let backend: Backend
  let store: SessionStore
  beforeEach(async () => {
    server = await startRedis({ password: PASSWORD })
    backend = await openBackend(server.url)
    store = new SessionStore(backend)
  }, 30_000)
  afterEach(async () => {
    await backend?.close()
    await server?.close()
  })

  const create = () => store.create({ key: keyOf(randomUUID()), app: 'a', user: 'u' })
  const untilBack = () => expect.poll(() => create().catch(() => undefined), { timeout: 5000 }).toBeDefined()

  test('closes the connection to a server that stops replying, and reconnects when it replies again', async () => {
    const { key } = await create()
    const pid = await processId(server.url)
    await freeze(pid)
    try {
      const started = performance.now()
      const asked = Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? store.find('a', key) : store.touch('a', key)))
      for (const result of await Promise.allSettled(asked)) {
        expect(result).toMatchObject({ status: 'rejected', reason: UNAVAILABLE })
      }
      expect(performance.now() - started).toBeLessThan(6000)
      expect(backend.interruptions).toBe(1)

      // The client has reconnected by then, and gets no replies on the new connection either.
      const again = performance.now()
      for (let i = 0; i < 100; i++) await expect(create()).rejects.toMatchObject(UNAVAILABLE)
      expect(performance.now() - again).toBeLessThan(2000)
      await sleep(4000)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await untilBack()
    expect(await store.find('a', key)).toBeDefined()
    expect(backend.interruptions).toBe(1)
  }, 30_000)

  test('closes the connection to a server that stops replying although further commands are written', async () => {
    const { key } = await create()
    const pid = await processId(server.url)
    await freeze(pid)
    const started = performance.now()
    const asked: Promise<unknown>[] = []
    const load = setInterval(() => asked.push(store.find('a', key).catch((error: unknown) => error)), 50)
    try {
      await expect.poll(() => backend.interruptions, { timeout: 6000 }).toBe(1)
      expect(performance.now() - started).toBeLessThan(5000)
    } finally {
      clearInterval(load)
      process.kill(pid, 'SIGCONT')
    }
    for (const result of await Promise.all(asked)) expect(result).toMatchObject(UNAVAILABLE)
    await untilBack()
  }, 30_000)

  test('rejects all calls immediately when the server is killed under load, and counts one interruption', async () => {
    const asked = Promise.allSettled(Array.from({ length: 2000 }, create))
    const pid = await processId(server.url)
    process.kill(pid, 'SIGKILL')
    const results = await asked
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(UNAVAILABLE)
    await expect.poll(() => backend.interruptions).toBe(1)
    await expect(create()).rejects.toMatchObject(UNAVAILABLE)
    await sleep(1500)
    await server.stop()
    await server.start()
    await untilBack()
    expect(backend.interruptions).toBe(1)
  }, 30_000)

  test('detects the loss of an idle connection and reconnects', async () => {
    await withRedis(server.url, (client) => client.clientKill({ filter: 'TYPE', type: 'normal' }))
    await expect.poll(() => backend.interruptions).toBe(1)
    await untilBack()
  })

  test('closes an idle connection to a server that stops replying, and reconnects', async () => {
    const pid = await processId(server.url)
    await freeze(pid)
    try {
      await expect.poll(() => backend.interruptions, { timeout: 8000 }).toBe(1)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await untilBack()
  }, 30_000)

  test('keeps a session intact when the connection is cut', async () => {
    const { key } = await create()
    for (let i = 0; i < 5; i++) {
      await withRedis(server.url, (client) => client.clientKill({ filter: 'TYPE', type: 'normal' }))
      await untilBack()
    }
    expect(await store.find('a', key)).toMatchObject({ reads: 0, writes: 0 })
    expect(backend.interruptions).toBe(5)
  }, 30_000)

  test('rejects within seconds, without the password, if the server is down, does not reply or denies access', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    const urls = [
      withPart(server.url, { port: `${port}` }),
      withPart(server.url, { port: '1' }),
      withPart(server.url, { port: '1', hostname: '[::1]' }),
      withPart(server.url, { hostname: 'no-such-host.invalid' }),
      withPart(server.url, { password: 'wrong hunter2' }),
      withPart(server.url, { username: 'someone' }),
      withPart(server.url, { password: '' }),
      withPart(server.url, { pathname: '/99' }),
      withPart(server.url, { protocol: 'rediss:' }),
    ]
    for (const url of urls) {
      const started = performance.now()
      const error = await failure(openBackend(url))
      expect(performance.now() - started).toBeLessThan(5000)
      expect(error).toMatchObject(UNAVAILABLE)
      expectNoPassword(error)
    }
    silent.close()
  }, 30_000)

  test('rejects an invalid URL with a message that names the invalid part and not the password', async () => {
    const urls: [string, RegExp][] = [
      [`${server.url}?nonsense=1`, /"nonsense"/],
      [`${server.url}?key_ns=web:&password=hunter2`, /"password"/],
      [withPart(server.url, { pathname: '/db' }), /number/],
      [server.url.replace('@', '%zz@'), /%/],
      [`${server.url}?fields.ip=same&fields.stop=same`, /"same"/],
    ]
    for (const [url, named] of urls) {
      const error = await failure(openBackend(url))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(named)
      expectNoPassword(error)
    }
  })

  test('uses the database in the path of the URL', async () => {
    const other = await openBackend(withPart(server.url, { pathname: '/7' }))
    const { key } = await create()
    expect(await other.find(key)).toBeUndefined()
    const bare = await openBackend(withPart(server.url, { pathname: '' }))
    expect(await bare.find(key)).toBeDefined()
    await other.close()
    await bare.close()
  })

  test('waits for pending commands on close, but not for an unavailable server, and rejects later calls', async () => {
    const other = new SessionStore(await openBackend(server.url))
    const asked = Array.from({ length: 50 }, (_, i) => other.create({ key: keyOf(`${i}`), app: 'a', user: 'other' }))
    await sleep(5)
    await other.close()
    await Promise.all(asked)
    await expect(other.find('a', keyOf('1'))).rejects.toMatchObject(UNAVAILABLE)
    expect(await all(store.listUser('a', 'other'))).toHaveLength(50)

    const pid = await processId(server.url)
    await freeze(pid)
    const late = Promise.allSettled([create()])
    await sleep(50)
    const started = performance.now()
    await store.close()
    expect(performance.now() - started).toBeLessThan(5000)
    expect((await late)[0]).toMatchObject({ status: 'rejected', reason: UNAVAILABLE })
    process.kill(pid, 'SIGCONT')
  }, 30_000)
})

/** Stops a process until SIGCONT: it accepts commands and does not reply. */
async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  // SIGSTOP does not take effect immediately.
  await sleep(100)
}

async function processId(url: string): Promise<number> {
  const info = await withRedis(url, (client) => client.info('server'))
  const [, pid] = /process_id:(\d+)/.exec(info) ?? []
  return Number(pid)
}

function withPart(text: string, part: Partial<URL>): string {
  // `URL` does not allow every change of the protocol.
  const { protocol = 'redis:', ...rest } = part
  return Object.assign(new URL(text), rest).href.replace(/^redis:/, protocol)
}

async function failure(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('it should have failed')
}

function expectNoPassword(error: Error): void {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const text = [each.message, each.stack, JSON.stringify(each), JSON.stringify(Object.entries(each))].join()
    expect(text).not.toContain('hunter2')
  }
}
