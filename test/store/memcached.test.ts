import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackend } from '../../src/store/open.ts'
import { keyOf } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { dumpMemcached, memcachedInstalled, startMemcached } from '../support/memcached.ts'
import { describeStore } from './contract.ts'
import { expectNamedFields, NAMED } from './named-fields.ts'

describe.skipIf(!memcachedInstalled())('memcached', () => {
  describeStore(
    'memcached',
    async () => {
      const server = await startMemcached()
      return {
        open: () => openBackend(server.url),
        dump: () => dumpMemcached(server.url),
        outage: { begin: () => server.stop(), end: () => server.start() },
        close: () => server.close(),
      }
    },
    { canList: false },
  )

  describe('memcached items', () => {
    let server: DatabaseServer
    beforeAll(async () => {
      server = await startMemcached()
    }, 60_000)
    afterAll(() => server.close())

    test('have the fields for other programs under the prefix', async () => {
      const backend = await openBackend(`${server.url}?key_ns=web::&${NAMED}`)
      await expectNamedFields(backend, async (key) => {
        const item = new RegExp(`^VALUE web::${key} .*\\r\\n(.*)\\r$`, 'm').exec(await dumpMemcached(server.url))
        return JSON.parse(item?.[1] ?? '')
      })
      await backend.close()
    })

    test('expire shortly after the session', async () => {
      const store = new SessionStore(await openBackend(server.url))
      const endsAt = Date.now() + 3_600_000
      await store.create({ key: keyOf('t'), app: 'a', user: 'u', endsAt })
      const [, exp] = / exp=(\d+) /.exec(await dumpMemcached(server.url)) ?? []
      expect(Number(exp) - endsAt / 1000).toBeGreaterThan(0)
      expect(Number(exp) - endsAt / 1000).toBeLessThan(120)
      await store.end('a', keyOf('t'))
      await store.close()
    })

    test('keeps the item of a session with a lifetime of more than 30 days', async () => {
      const store = new SessionStore(await openBackend(`${server.url}?key_ns=long:`))
      await store.create({ key: keyOf('t'), app: 'a', user: 'u', idleMs: 60 * 24 * 3_600_000 })
      expect(await store.find('a', keyOf('t'))).toBeDefined()
      const [, exp] = /^key=long\S+ exp=(\d+) /m.exec(await dumpMemcached(server.url)) ?? []
      expect(Number(exp) - Date.now() / 1000).toBeGreaterThan(59 * 24 * 3600)
      await store.close()
    })

    test('removes the item of an ended session', async () => {
      const store = new SessionStore(await openBackend(`${server.url}?key_ns=gone:`))
      await store.create({ key: keyOf('t'), app: 'a', user: 'u' })
      await store.end('a', keyOf('t'))
      expect(await dumpMemcached(server.url)).not.toContain('gone:')
      await store.close()
    })

    test('rejects an unavailable server and an unknown parameter immediately', async () => {
      await expect(openBackend('memcache://127.0.0.1:1')).rejects.toMatchObject({ code: 'unavailable' })
      await expect(openBackend(`${server.url}?pool=3`)).rejects.toThrow('"pool"')
      await expect(openBackend('memcache://user:pa55@127.0.0.1:1')).rejects.toThrow(/^(?!.*pa55).*host:port/)
    })
  })
})
