import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackend } from '../../src/store/open.ts'
import { keyOf } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { dumpMemcached, memcachedInstalled, startMemcached } from '../support/memcached.ts'
import { describeStore } from './contract.ts'

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

    test('stores an item with the fields for other programs under the prefix, and lets it expire', async () => {
      const query = 'key_ns=web::&fields.ip=adress&fields.start=startDate&fields.stop=stopDate&fields.token=token'
      const store = new SessionStore(await openBackend(`${server.url}?${query}`))
      const endsAt = Date.now() + 3_600_000
      const record = await store.create({ key: keyOf('t'), app: 'a', user: 'u', ip: '192.0.2.1', endsAt })
      const dump = await dumpMemcached(server.url)
      const [, text = ''] = /^VALUE web::\S+ \d+ \d+\r\n(.*)\r$/m.exec(dump) ?? []
      expect(JSON.parse(text)).toMatchObject({
        adress: '192.0.2.1',
        startDate: new Date(record.created).toISOString().slice(0, 19).replace('T', ' '),
        stopDate: new Date(endsAt).toISOString().slice(0, 19).replace('T', ' '),
        token: record.key.slice(0, 12),
      })
      const [, exp] = / exp=(\d+) /.exec(dump) ?? []
      expect(Number(exp) - endsAt / 1000).toBeGreaterThan(0)
      expect(Number(exp) - endsAt / 1000).toBeLessThan(120)
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
