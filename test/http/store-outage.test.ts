import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DatabaseServer } from '../support/database-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'

const APP = 'mywebapp'
const ADMIN_KEY = 'a-key-of-sixteen-letters'
const UNTIL = { timeout: 10_000, interval: 50 }

describe.skipIf(!redisInstalled())('a gateway whose session store on Redis fails', () => {
  let redis: DatabaseServer
  let proxy: TcpProxy
  let address: { host: string; port: number }
  let gateway: TestGateway

  beforeEach(async () => {
    redis = await startRedis()
    address = { host: '127.0.0.1', port: redis.port }
    proxy = await startProxy(address)
    gateway = await startTestGateway([{ id: 'demo', demo: true }], {
      store: `redis://127.0.0.1:${proxy.port}/0`,
      apps: [{ id: APP, name: APP }],
      compat: ['rest-sessions', 'sessman', 'microapp'],
      insecureCompat: true,
      adminKey: ADMIN_KEY,
    })
  }, 60_000)
  afterEach(async () => {
    await gateway?.close()
    await proxy?.close()
    await redis?.close()
  })

  const status = async (method: string, path: string) => (await gateway.send(method, path)).status
  const lines = (text: string) => gateway.log.filter((line) => line.includes(text))
  const failures = () => lines('session store: failing')
  const recoveries = () => lines('session store: available again')
  const login = async (): Promise<string> => {
    const id = await gateway.open()
    const json = { pers_name: 'Demo Reader', passwd: 'demo' }
    const answer = await gateway.send('POST', '/demo/sessions/current/login', { id, json })
    expect(answer.status).toBe(201)
    return id
  }
  const mine = async (id: string) => await gateway.send('GET', '/demo/sessions/mine', { id })

  it('logs the reason once for requests through the compatibility APIs, and the recovery once', async () => {
    const { json } = await gateway.send('PUT', `/${APP}/create/u?ip=192.0.2.1`)
    await redis.stop()
    const paths = ['/ping', `/${APP}/get/${json.token}`, `/${APP}/soid/u`, `/${APP}/activity?dt=60`]
    for (const path of [...paths, ...paths]) expect([path, await status('GET', path)]).toEqual([path, 503])
    expect(await status('DELETE', `/${APP}/kill/${json.token}`)).toBe(503)
    expect(await status('GET', `/add_session.cgi?user_id=u;service=${APP}`)).toBe(503)
    expect(failures()).toHaveLength(1)
    expect(JSON.parse(failures()[0] ?? '')).toMatchObject({
      level: 50,
      // Redis may stop before, while or after the gateway writes.
      err: {
        message: expect.stringMatching(/Redis at .* is unavailable: (?:Socket closed|\w+ ECONN(?:REFUSED|RESET))/),
      },
    })
    expect(await gateway.send('GET', '/ready')).toMatchObject({ status: 503 })
    expect((await gateway.send('GET', '/metrics')).text).toMatch(/^komgate_store_up 0$/m)

    await redis.start()
    await expect.poll(() => status('GET', '/ready'), UNTIL).toBe(200)
    expect(await status('GET', '/ping')).toBe(200)
    expect(recoveries()).toHaveLength(1)
    expect((await gateway.send('GET', '/metrics')).text).toMatch(/^komgate_store_up 1$/m)
  }, 60_000)

  it('works with a new master within 2 s, and is not ready before', async () => {
    const second = await startRedis({ settings: ['--replicaof', '127.0.0.1', `${redis.port}`] })
    try {
      await expect
        .poll(() => withRedis(second.url, (client) => client.info('replication')), UNTIL)
        .toMatch(/master_link_status:up/)
      await withRedis(second.url, (client) => client.sendCommand(['REPLICAOF', 'NO', 'ONE']))
      await withRedis(redis.url, (client) => client.sendCommand(['REPLICAOF', '127.0.0.1', `${second.port}`]))
      const create = () => status('PUT', `/${APP}/create/u?ip=192.0.2.1`)
      expect(await create()).toBe(503)
      expect(await status('GET', '/ready')).toBe(503)
      expect(await status('GET', '/ping')).toBe(503)
      address.port = second.port
      await expect.poll(create, { timeout: 2000, interval: 50 }).toBe(200)
      await expect.poll(() => status('GET', '/ready'), { timeout: 2000 }).toBe(200)
      expect(failures().join()).toMatch(/READONLY|LOADING|MASTERDOWN/)
      expect(recoveries()).toHaveLength(1)
    } finally {
      await second.close()
    }
  }, 60_000)

  it('removes the records of sessions that end during the outage, however they end', async () => {
    const [own, deleted] = [await login(), await login()]
    const other = await gateway.open()
    await login()
    await expect.poll(async () => (await mine(own)).json.sessions, UNTIL).toHaveLength(2)
    // At this point the records are written.
    expect((await gateway.send('GET', '/demo/sessions/current/data', { id: other })).status).toBe(200)
    for (const line of proxy.lines) line.reset()
    address.port = 1
    await expect.poll(() => status('GET', '/ping'), UNTIL).toBe(503)
    for (const id of [deleted, other]) {
      expect((await gateway.send('DELETE', '/demo/sessions/0', { id })).status).toBe(204)
    }
    const authorization = `Bearer ${ADMIN_KEY}`
    const sessions = await gateway.send('GET', '/admin/sessions', { headers: { authorization } })
    const handle = sessions.json.sessions.at(-1).handle
    const ended = await gateway.send('DELETE', `/admin/sessions/${handle}`, { headers: { authorization } })
    expect(ended.status).toBe(204)
    expect((await gateway.send('GET', '/metrics')).text).toMatch(/^komgate_store_pending_ends 3$/m)
    address.port = redis.port
    await expect.poll(() => status('GET', '/ping'), UNTIL).toBe(200)
    expect((await mine(own)).json.sessions).toEqual([])
    expect((await gateway.send('GET', '/demo/soid/6')).json.sessions).toMatchObject([{ id: '6' }])
    expect((await gateway.send('GET', '/demo/soapp?dt=3600')).json.sessions).toHaveLength(1)
  }, 60_000)

  it('removes its records at shutdown even if the store recovers only then', async () => {
    const id = await login()
    expect((await mine(id)).status).toBe(200)
    for (const line of proxy.lines) line.reset()
    address.port = 1
    await expect.poll(() => status('GET', '/ping'), UNTIL).toBe(503)
    const closing = gateway.close()
    address.port = redis.port
    await closing
    const keys = await withRedis(redis.url, (client) => client.keys('*'))
    expect(keys).toEqual([])
  }, 60_000)
})

describe.skipIf(!redisInstalled())('two gateways on one Redis', () => {
  it('a gateway whose clock is 40 minutes ahead ends no session of the other', async () => {
    const redis = await startRedis()
    const settings = { store: redis.url, compat: ['rest-sessions' as const], insecureCompat: true }
    const first = await startTestGateway([{ id: 'demo', demo: true }], settings)
    const id = await first.open()
    const data = '/demo/sessions/current/data'
    expect((await first.send('PATCH', data, { id, json: { a: 1 } })).status).toBe(200)

    const real = Date.now
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() + 40 * 60_000)
    const second = await startTestGateway([{ id: 'demo', demo: true }], settings)
    expect((await second.send('GET', '/demo/soapp?dt=60')).json.sessions).toHaveLength(1)
    expect((await first.send('GET', data, { id })).json).toEqual({ a: 1 })

    // A session still ends through another gateway.
    expect((await second.send('DELETE', `/demo/kill/${id}`)).json).toEqual({ kill: 1 })
    await expect
      .poll(async () => (await first.send('GET', '/demo/sessions/current/who-am-i', { id })).status, {
        timeout: 25_000,
        interval: 500,
      })
      .toBe(403)
    clock.mockRestore()
    await second.close()
    await first.close()
    await redis.close()
  }, 60_000)
})
