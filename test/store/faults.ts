import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { openBackend } from '../../src/store/open.ts'
import { type Key, keyOf, type SessionRecord } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { startProxy } from '../support/proxy.ts'

/** A kind of server, and what goes wrong with it. */
export interface Faults {
  /** starts a server for one test */
  start(): Promise<DatabaseServer>
  /** removes the records of a server that is stopped; undefined if it keeps none without its process */
  erase?(server: DatabaseServer): Promise<void>
  /** whether the driver reports lost connections only with calls that fail; default: false */
  isSilent?: boolean
  /** whether the address of the server may lead to another server later; default: true */
  canMove?: boolean
  /** makes a server reject new records for lack of room */
  fill(server: DatabaseServer, create: () => Promise<unknown>): Promise<void>
  /** ends `fill`, unless the removal of all records does */
  free?(server: DatabaseServer): Promise<void>
  /** returns URLs of a running server that deny access, with what the error says */
  denied(url: string): (readonly [url: string, message: RegExp])[]
}

const UNAVAILABLE = { name: 'StoreError', code: 'unavailable' }
const SERVER_MS = 60_000
/** The longest time that two calls take if the server does not reply, milliseconds. */
const CALLS_MS = 15_000
/** The longest time that komgate takes to abort its startup, milliseconds. */
const STARTUP_MS = 9000
const APP = 'app'
/** The port in a URL. */
const PORT = /:\d+(?=\/|$)/

/** Defines the tests of a store whose server fails. */
export function describeFaults(
  kind: string,
  { start, erase, isSilent = false, canMove = true, fill, free, denied }: Faults,
): void {
  describe(`faults of ${kind}`, () => {
    let server: DatabaseServer
    let store: SessionStore | undefined
    const open = async (): Promise<SessionStore> => {
      server = await start()
      store = await SessionStore.open(server.url)
      created.length = 0
      return store
    }
    afterEach(async () => {
      server.resume()
      await store?.close()
      store = undefined
      await server.close()
    }, SERVER_MS)
    const created: Key[] = []
    const create = async (text = '') => {
      const record = await store?.create({ key: keyOf(randomUUID()), app: APP, user: 'u', data: { text } })
      created.push((record as SessionRecord).key)
      return record as SessionRecord
    }
    const untilItWorks = () => expect.poll(() => create().catch(() => undefined), { timeout: 20_000 }).toBeDefined()
    const within = async (ms: number, work: () => Promise<void>) => {
      const started = performance.now()
      await work()
      expect(performance.now() - started).toBeLessThan(ms)
    }

    test('rejects calls in flight when the server is killed, and works again when it starts', async () => {
      const store = await open()
      const records = await Promise.all(Array.from({ length: 20 }, () => create()))
      const calls = Promise.allSettled(records.map(({ key }) => store.touch(APP, key)))
      await within(CALLS_MS, async () => {
        await server.stop()
        const failures = (await calls).filter(({ status }) => status === 'rejected')
        for (const { reason } of failures as PromiseRejectedResult[]) expect(reason).toMatchObject(UNAVAILABLE)
        await expect(create()).rejects.toMatchObject(UNAVAILABLE)
      })
      await server.start()
      await untilItWorks()
      expect(store.interruptions).toBeGreaterThan(0)
      const found = await Promise.all(records.map(({ key }) => store.find(APP, key)))
      expect(found.filter((record) => record !== undefined)).toHaveLength(erase === undefined ? 0 : 20)
    }, 60_000)

    test('rejects calls within seconds while the server does not reply, and accepts them when it does', async () => {
      const store = await open()
      const { key } = await create()
      server.pause()
      // The threads of the process do not stop at once.
      await expect.poll(() => store.find(APP, key).catch(() => undefined), { timeout: CALLS_MS }).toBeUndefined()
      await within(CALLS_MS, async () => {
        await expect(store.find(APP, key)).rejects.toMatchObject(UNAVAILABLE)
        await expect(create()).rejects.toMatchObject(UNAVAILABLE)
      })
      server.resume()
      await untilItWorks()
      expect(await store.find(APP, key)).toBeDefined()
    }, 60_000)

    test('writes the record of a live session again after the server was restarted empty', async () => {
      const store = await open()
      const { key } = await create()
      const { interruptions } = store
      await server.stop()
      if (isSilent) await expect(create()).rejects.toMatchObject(UNAVAILABLE)
      await erase?.(server)
      await server.start()
      await untilItWorks()
      expect(store.interruptions).toBeGreaterThan(interruptions)
      expect(await store.find(APP, key)).toBeUndefined()
      expect(await store.restore({ key, app: APP, user: 'u' }, true)).toBe(true)
      expect(await store.find(APP, key)).toBeDefined()
    }, 60_000)

    if (canMove) {
      test('goes to another server behind its address, and ends the outage', async () => {
        server = await start()
        const second = await start()
        const address = { host: '127.0.0.1', port: server.port }
        const proxy = await startProxy(address)
        store = await SessionStore.open(server.url.replace(PORT, `:${proxy.port}`))
        let recovered = 0
        store.on('recovered', () => recovered++)
        await create()
        await server.stop()
        await expect(create()).rejects.toMatchObject(UNAVAILABLE)
        expect(store.unavailable).toBeDefined()
        address.port = second.port
        await expect.poll(() => store?.unavailable, { timeout: 10_000 }).toBeUndefined()
        expect(recovered).toBe(1)
        await create()
        await store.close()
        await proxy.close()
        await second.close()
      }, 60_000)
    }

    test('rejects new sessions with full when there is no room, and keeps and reads the others', async () => {
      const store = await open()
      const { key } = await create()
      await fill(server, () => create('x'.repeat(20_000)))
      await expect(create('x'.repeat(20_000))).rejects.toMatchObject({ name: 'StoreError', code: 'full' })
      expect(await store.find(APP, key)).toBeDefined()
      expect(await store.touch(APP, key)).toBeDefined()
      expect([store.unavailable, store.interruptions]).toEqual([undefined, 0])
      for (const key of created) expect(await store.end(APP, key)).toBeDefined()
      await free?.(server)
      await untilItWorks()
    }, 60_000)

    test('aborts startup soon, without the password, if the server is down or hung or denies access', async () => {
      await open()
      const opens = async (url: string, message: RegExp) => {
        await within(STARTUP_MS, async () => {
          const error = await openBackend(url).catch((reason: unknown) => reason)
          expect(error).toMatchObject({ ...UNAVAILABLE, message: expect.stringMatching(message) })
          expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/s3cret|hunter2/)
        })
      }
      for (const [url, message] of denied(server.url)) await opens(url, message)
      await opens(server.url.replace(PORT, ':1'), /unavailable/)
      server.pause()
      await opens(server.url, /unavailable/)
    }, 60_000)
  })
}
