import { afterEach, describe, expect, it } from 'vitest'
import { expectWithin } from '../support/bound.ts'
import type { TestSettings } from '../support/config.ts'
import { startCluster, type TestCluster, type TestGateway } from '../support/gateway.ts'
import { nginxInstalled } from '../support/nginx.ts'
import { redisInstalled } from '../support/redis-server.ts'
import { canFail, onFaultStage } from './fault-stage.ts'
import { LEASE_MS, until } from './node-process.ts'

const DEMO = [{ id: 'demo', demo: true }]
const OPEN = { json: { client: { name: 'test', version: '1' } } }
const KEY = 'the-key-of-the-operator'
const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })

describe.skipIf(!(redisInstalled() && nginxInstalled()) && !process.env.CI)('limits of several nodes', () => {
  let cluster: TestCluster
  afterEach(() => cluster.close())

  /** Starts two nodes, which have not counted anything. */
  async function start(settings: TestSettings): Promise<[TestGateway, TestGateway]> {
    cluster = await startCluster(DEMO, settings, 2)
    return [cluster.nodes[0] as TestGateway, cluster.nodes[1] as TestGateway]
  }

  const open = async (node: TestGateway) => (await node.send('POST', '/demo/sessions/', OPEN)).status
  const logIn = async (node: TestGateway, id: string, passwd: string) => {
    const json = { pers_name: 'Demo Reader', passwd }
    return (await node.send('POST', '/demo/sessions/current/login', { id, json })).status
  }

  it('count sessions opened on other nodes', async () => {
    const [one, other] = await start({ maxOpeningsPerMinute: 4 })
    expect([await open(one), await open(one), await open(other)]).toEqual([201, 201, 201])
    await expect.poll(() => open(one)).toBe(429)
    await expect.poll(() => open(other)).toBe(429)
  })

  it('count logins tried on other nodes', async () => {
    const [one, other] = await start({ maxLoginsPerMinute: 3 })
    const [own, others] = [await one.open(), await other.open()]
    for (let i = 0; i < 3; i++) expect(await logIn(one, own, 'demo')).toBe(201)
    await expect.poll(() => logIn(other, others, 'demo')).toBe(429)
  })

  it('count the sessions of an address on all nodes, and no longer those that have ended', async () => {
    const [one, other] = await start({ maxSessionsPerAddress: 3 })
    const ids = [await one.open(), await other.open(), await one.open()]
    const rejected = await other.send('POST', '/demo/sessions/', OPEN)
    expect([rejected.status, rejected.json.limit]).toEqual([503, 'sessions-per-address'])
    expect(await open(one)).toBe(503)
    await other.send('DELETE', '/demo/sessions/0', { id: ids[0] as string })
    await expect.poll(() => open(other)).toBe(201)
    expect(await open(one)).toBe(503)
  })

  it('admit as many sessions of an address as one process does when many are opened at the same time', async () => {
    const nodes = await start({ maxSessionsPerAddress: 5 })
    const statuses = await Promise.all(Array.from({ length: 24 }, (_, i) => open(nodes[i % 2] as TestGateway)))
    expect(statuses.filter((status) => status === 201)).toHaveLength(5)
    expect(statuses.filter((status) => status === 503)).toHaveLength(19)
  })

  it('do not count the sessions of a node that has been stopped', async () => {
    const [one, other] = await start({ maxSessionsPerAddress: 2 })
    for (let i = 0; i < 2; i++) await one.open()
    expect(await open(other)).toBe(503)
    await one.close()
    await expect.poll(() => open(other)).toBe(201)
  })

  it('count on each node by itself while Redis is stopped, without a delay', async () => {
    const [one, other] = await start({ maxSessionsPerAddress: 2, leaseMs: 30_000 })
    await one.open()
    await cluster.redis.close()
    const before = performance.now()
    expect([await open(other), await open(other), await open(other)]).toEqual([201, 201, 503])
    expect(performance.now() - before).toBeLessThan(2000)
  })

  it('close the longest idle session of a person on the node that has most of them', async () => {
    const [one, other] = await start({ maxSessionsPerPerson: 2 })
    const logged = async (node: TestGateway): Promise<string> => {
      const id = await node.open()
      expect(await logIn(node, id, 'demo')).toBe(201)
      return id
    }
    const status = async (id: string) => (await one.send('GET', '/demo/sessions/current/who-am-i', { id })).status
    const [first, second] = [await logged(one), await logged(one)]
    const third = await logged(other)
    // A request for the first session would make it the last used one.
    await expect.poll(() => one.log.filter((line) => line.includes('replaced')).length).toBe(1)
    expect([await status(first), await status(second), await status(third)]).toEqual([403, 200, 200])
  })

  it('delay guesses of a password after guesses on other nodes', async () => {
    const [one, other] = await start({ freeLoginFailures: 3 })
    const [own, others] = [await one.open(), await other.open()]
    for (let i = 0; i < 3; i++) expect(await logIn(one, own, 'wrong')).toBe(401)
    // A right password that arrived before the notes of the other node would end the delay.
    await expect.poll(() => logIn(other, others, 'wrong')).toBe(429)
  })

  it('delay guesses of the admin key after guesses on other nodes', async () => {
    const [one, other] = await start({ adminKey: KEY })
    const statuses = new Set<number>()
    while (!statuses.has(429)) statuses.add((await one.send('GET', '/admin/servers', bearer('wrong'))).status)
    await expect.poll(async () => (await other.send('GET', '/admin/servers', bearer('other'))).status).toBe(429)
  })
})

describe.skipIf(!canFail)('limits of nodes one of which is killed', () => {
  const stage = onFaultStage()

  it('count its sessions until its lease has expired', async () => {
    const { started } = await stage.nodes(2, { args: ['--max-sessions-per-address', '2'] })
    const [killed, other] = started
    const status = async () => {
      const response = await other.tryOpen()
      await response.arrayBuffer()
      return response.status
    }
    expect(await status()).toBe(503)
    killed.kill('SIGKILL')
    expect(await status()).toBe(503)
    const { ms } = await until(status, (each) => each === 201)
    expectWithin(LEASE_MS, ms, 'killed node: its sessions count no more')
    expect(await status()).toBe(503)
  })
})
