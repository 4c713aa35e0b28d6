import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/store/backend.ts'
import { openBackend } from '../../src/store/open.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { recordWith } from './sql-contract.ts'

export interface SqlServerHarness {
  start(): Promise<DatabaseServer>
  connect(url: string): Promise<SqlClient>
  /** statements that lock the table of the default layout until the connection ends */
  lock: string[]
  /** query for the `id` of every other connection */
  others: string
  /** statement that ends a connection */
  kill(id: unknown): string
  /** a URL parameter that the driver supports */
  parameter: string
}

/** A separate connection of the test. */
export interface SqlClient {
  run(statement: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/** Defines the tests of lost connections and failed statements. */
export function describeSqlServer(kind: string, harness: SqlServerHarness): void {
  describe(`connection to ${kind}`, () => {
    const unavailable = { name: 'StoreError', code: 'unavailable' }
    let server: DatabaseServer
    let backend: Backend
    beforeAll(async () => {
      server = await harness.start()
      backend = await openBackend(server.url)
    }, 60_000)
    afterAll(async () => {
      await backend?.close()
      await server?.close()
    })

    const lock = async (): Promise<SqlClient> => {
      const holder = await harness.connect(server.url)
      for (const statement of harness.lock) await holder.run(statement)
      return holder
    }
    const killOthers = async (client: SqlClient): Promise<void> => {
      // Some connections may have ended already.
      for (const { id } of await client.run(harness.others)) await client.run(harness.kill(id)).catch(() => undefined)
    }

    test('rejects statements that wait too long for a lock, and accepts statements when it is released', async () => {
      const record = recordWith({})
      await backend.insert(record)
      const before = backend.interruptions
      const holder = await lock()
      const started = performance.now()
      // More statements than connections.
      const asked = Array.from({ length: 25 }, () => backend.touch('app', record.key, Date.now()))
      const results = await Promise.allSettled(asked)
      expect(performance.now() - started).toBeLessThan(12_000)
      for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: unavailable })
      await holder.close()
      expect(await backend.find(record.key)).toBeDefined()
      expect(backend.interruptions).toBe(before)
    }, 30_000)

    test('replaces idle and busy connections that were killed, and counts one interruption', async () => {
      const record = recordWith({})
      await backend.insert(record)
      await Promise.all(Array.from({ length: 10 }, () => backend.find(record.key)))
      const before = backend.interruptions
      const holder = await harness.connect(server.url)
      await killOthers(holder)
      await expect.poll(() => backend.interruptions).toBe(before + 1)
      await expect.poll(() => backend.find(record.key).catch(() => undefined)).toBeDefined()
      await holder.close()

      const locking = await lock()
      const asked = Promise.allSettled(Array.from({ length: 3 }, () => backend.remove(record.key)))
      await sleep(300)
      await killOthers(locking)
      for (const result of await asked) expect(result).toMatchObject({ status: 'rejected', reason: unavailable })
      await locking.close()
      await expect.poll(() => backend.insert(recordWith({})).then(() => true)).toBe(true)
    }, 30_000)

    test('rejects within seconds, without the password, if the server is down, does not reply or denies access', async () => {
      const silent = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => silent.once('listening', resolve))
      const { port } = silent.address() as { port: number }
      const urls = [
        withPart(server.url, (url) => {
          url.port = `${port}`
        }),
        withPart(server.url, (url) => {
          url.port = '1'
        }),
        withPart(server.url, (url) => {
          url.port = '1'
          url.hostname = 'localhost'
        }),
        withPart(server.url, (url) => {
          url.password = 'Wrong%20hunter2'
        }),
        withPart(server.url, (url) => {
          url.pathname = '/no_such_database'
        }),
      ]
      for (const url of urls) {
        const started = performance.now()
        const error = await failure(openBackend(url))
        expect(performance.now() - started).toBeLessThan(7000)
        expect(error).toMatchObject(unavailable)
        expectNoPassword(error, url)
      }
      silent.close()
    }, 30_000)

    test('rejects an invalid URL with a message that names the invalid part and not the password', async () => {
      const urls: [string, RegExp][] = [
        [`${server.url}?pool=0`, /"pool"/],
        [`${server.url}?pool=many`, /"pool"/],
        [`${server.url}?nonsense=1`, /"nonsense"/],
        [`${server.url}?password=hunter2`, /"password"/],
        [`${server.url}%zz`, /%/],
        [server.url.replace('@', '%zz@'), /%/],
      ]
      for (const [url, named] of urls) {
        const error = await failure(openBackend(url))
        expect(error).toBeInstanceOf(TypeError)
        expect(error.message).toMatch(named)
        expectNoPassword(error, url)
      }
      const small = await openBackend(`${server.url}?pool=1&${harness.parameter}`)
      const records = Array.from({ length: 20 }, () => recordWith({}))
      await Promise.all(records.map((record) => small.insert(record)))
      expect(await Promise.all(records.map(({ key }) => small.find(key)))).toEqual(records)
      await small.close()
    })

    test('does not wait for an unavailable server on close', async () => {
      const other = await openBackend(server.url)
      await Promise.all(Array.from({ length: 5 }, () => other.insert(recordWith({}))))
      await server.stop()
      const started = performance.now()
      await other.close()
      expect(performance.now() - started).toBeLessThan(6000)
      await expect(openBackend(server.url)).rejects.toMatchObject(unavailable)
      await server.start()
      await expect.poll(() => backend.insert(recordWith({})).then(() => true)).toBe(true)
    }, 30_000)
  })
}

async function failure(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('it should have failed')
}

function withPart(text: string, change: (url: URL) => void): string {
  const url = new URL(text)
  change(url)
  return url.href
}

function expectNoPassword(error: Error, url: string): void {
  const { password } = new URL(url)
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const text = [each.message, each.stack, JSON.stringify(each), JSON.stringify(Object.entries(each))].join()
    expect(text).not.toContain(password)
    expect(text).not.toContain('hunter2')
  }
}
