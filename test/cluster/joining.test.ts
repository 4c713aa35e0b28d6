import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startDemoServer } from '../../src/demo/server.ts'
import type { TestSettings } from '../support/config.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { freePort } from '../support/lyskomd.ts'
import { redisInstalled, startRedis } from '../support/redis-server.ts'
import { canFail, onFaultStage } from './fault-stage.ts'
import { CLUSTER_KEY } from './node-process.ts'
import { SERVER, WHO_AM_I } from './stage.ts'

describe.skipIf(!redisInstalled() && !process.env.CI)('a node that starts', () => {
  let redis: DatabaseServer
  let lyskom: Awaited<ReturnType<typeof startDemoServer>>
  const nodes: TestGateway[] = []
  beforeAll(async () => {
    redis = await startRedis()
    lyskom = await startDemoServer()
  }, 30_000)
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.close()
  })
  afterAll(async () => {
    await lyskom?.close()
    await redis?.close()
  })

  async function start(settings: TestSettings): Promise<TestGateway> {
    const cluster = { cluster: redis.url, clusterKey: CLUSTER_KEY, ...settings }
    const node = await startTestGateway([{ id: SERVER, port: lyskom.port }], cluster)
    nodes.push(node)
    return node
  }

  const freeUrl = async () => `http://127.0.0.1:${await freePort()}`
  const otherKey = { clusterKey: CLUSTER_KEY.toUpperCase() }
  const otherHost = { nodeHost: '127.0.0.2' }

  it('is refused with another cluster key than that of the nodes', async () => {
    const first = await start({ nodeUrl: await freeUrl() })
    const second = start({ nodeUrl: await freeUrl(), ...otherKey })
    await expect(second).rejects.toThrow('the nodes on this Redis database have another cluster key')
    const id = await first.open()
    expect((await first.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })

  it('is refused with the URL of another node, which keeps its slot', async () => {
    const nodeUrl = await freeUrl()
    const first = await start({ nodeUrl })
    const id = await first.open()
    await expect(start({ nodeUrl })).rejects.toThrow('EADDRINUSE')
    await expect(start({ nodeUrl, ...otherHost })).rejects.toThrow(`another node answers at ${nodeUrl}`)
    const stranger = start({ nodeUrl, ...otherHost, ...otherKey })
    await expect(stranger).rejects.toThrow(`a node with another cluster key answers at ${nodeUrl}`)
    const third = await start({ nodeUrl: await freeUrl() })
    expect((await third.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })

  it('is refused with the URL of something else, the port for clients too', async () => {
    const first = await start({ nodeUrl: await freeUrl() })
    await expect(start({ nodeUrl: first.url, ...otherHost })).rejects.toThrow(`something else answers at ${first.url}`)
  })

  it('logs a warning if nothing answers at its URL, and 504 is the answer for its sessions', async () => {
    const nodeUrl = await freeUrl()
    const node = await start({ nodeUrl, ...otherHost })
    expect(node.log.join('')).toContain(`nothing answers at ${nodeUrl}, the URL of this node`)
    const second = await start({ nodeUrl: await freeUrl() })
    const id = await node.open()
    const { status, json } = await second.send('GET', WHO_AM_I, { id })
    expect([status, json.error_msg]).toEqual([504, 'The node of this gateway that has the session does not answer.'])
    expect((await node.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })
})

/** Returns the flags of Node that add a number of milliseconds, an expression, to the clock of the process. */
function clock(added: string): string[] {
  const script = `
    const { now } = Date, Real = Date
    const shifted = () => now() + ${added}
    globalThis.Date = class extends Real {
      constructor(...args) { args.length === 0 ? super(shifted()) : super(...args) }
      static now() { return shifted() }
    }`
  return ['--import', `data:text/javascript,${encodeURIComponent(script)}`]
}

describe.skipIf(!canFail)('nodes with wrong clocks', () => {
  const stage = onFaultStage()

  it('work like others, be it ten minutes ahead or jumping an hour each half second', async () => {
    const [ahead, jumping, right] = await Promise.all([
      stage.start({ nodeArgs: clock('600_000') }),
      stage.start({ nodeArgs: clock('Math.floor(performance.now() / 500) % 2 * 3_600_000') }),
      stage.start(),
    ])
    const nodes = [ahead, jumping, right]
    const ids = await Promise.all(nodes.map((node) => node.open()))
    // More than the lease and two jumps.
    const end = performance.now() + 2000
    while (performance.now() < end) {
      const asked = nodes.flatMap((node) => ids.map((id) => node.status(id)))
      expect(new Set(await Promise.all(asked))).toEqual(new Set([200]))
    }
    expect(await right.status(await jumping.open())).toBe(200)
    for (const { log, errors } of nodes) expect([log.match(/"level":[456]0.*/g), errors]).toEqual([null, ''])
    const times = nodes.map(({ log }) => Number(/"time":(\d+)/.exec(log)?.[1]))
    expect((times[0] as number) - (times[2] as number)).toBeGreaterThan(500_000)
  })
})
