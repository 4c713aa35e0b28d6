import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../src/demo/server.ts'
import { expectWithin } from '../support/bound.ts'
import { startProxy } from '../support/proxy.ts'
import { openRaw, rawRequest } from '../support/raw-http.ts'
import { canFail, onFaultStage } from './fault-stage.ts'
import { collidingUrl, LEASE_MS, load, until } from './node-process.ts'
import { SERVER } from './stage.ts'

/** Time in which a node without a lease may still answer, milliseconds. */
const PROBE_MS = 1000
/** After this time without traffic the connection to Redis is made again, milliseconds. */
const REDIS_SILENT_MS = 4500

describe.skipIf(!canFail)('a node that fails', () => {
  const stage = onFaultStage()

  const isGone = (status: number | string) => status === 403

  it('killed: its ids are rejected with 403 everywhere after its lease, and other requests go on', async () => {
    const { started, ids } = await stage.nodes(3)
    const [dead, second, third] = started
    const others = [second, third].flatMap((node) => ids.slice(1).map((id) => () => node.status(id)))
    for (const node of started) for (const id of ids) expect(await node.status(id)).toBe(200)
    const running = load(others)
    dead.kill('SIGKILL')
    const gone = await Promise.all([second, third].map((node) => until(() => node.status(ids[0]), isGone)))
    for (const { ms, answers } of gone) {
      expectWithin(LEASE_MS, ms, 'killed node: 403')
      // As long as its lease runs, it may be alive.
      expect(new Set(answers)).toEqual(new Set([504, 403]))
    }
    const after = await Promise.all([1, 2, 3].map(() => third.status(ids[0])))
    expect(after).toEqual([403, 403, 403])
    const { answers, count } = await running.stop()
    expect(answers).toEqual([200])
    expect(count).toBeGreaterThan(10)
  })

  it('killed and started again: old ids are rejected with 403 as soon as it is back, and new ones work', async () => {
    const { started, ids } = await stage.nodes(3)
    const [dead, second, third] = started
    for (const id of ids) expect(await second.status(id)).toBe(200)
    dead.kill('SIGKILL')
    expect(await second.status(ids[0])).toBe(504)
    const again = await stage.start({ nodeUrl: dead.nodeUrl })
    expect(await Promise.all([second, third, again].map((node) => node.status(ids[0])))).toEqual([403, 403, 403])
    const id = await again.open()
    expect(id.slice(0, 3)).toBe(ids[0].slice(0, 3))
    expect(await Promise.all([second, third, again].map((node) => node.status(id)))).toEqual([200, 200, 200])
  })

  it('stopped in order: its ids are rejected with 403 at once, also while it finishes a request', async () => {
    const { started, ids } = await stage.nodes(3)
    const [ending, second, third] = started
    for (const node of started) expect(await node.status(ids[0])).toBe(200)
    const unfinished = await openRaw(ending.url)
    const fields = { 'Content-Type': 'application/json', 'Content-Length': '10', Expect: '100-continue' }
    unfinished.socket.write(rawRequest('POST', `/${SERVER}/sessions/`, fields))
    await unfinished.received(/100 Continue/)
    const ended = ending.stop()
    const gone = await until(() => second.status(ids[0]), isGone)
    expectWithin(0, gone.ms, 'stopped node: 403')
    await ended
    expect(await third.status(ids[0])).toBe(403)
    expect(await second.status(ids[1])).toBe(200)
  })

  it('stopped in order: it finishes a request of another node, and accepts no others', async () => {
    const demo = stage.scope.use(await startDemoServer(), (server) => server.close())
    const target = { host: '127.0.0.1', port: demo.port }
    const proxy = stage.scope.use(await startProxy(target), (each) => each.close())
    const options = { lyskomPort: proxy.port, args: ['--shutdown-timeout-ms', '20000'] }
    const [ending, second] = [await stage.start(options), await stage.start(options)]
    const id = await ending.open()
    expect(await second.status(id)).toBe(200)
    for (const line of proxy.lines) line.stall()
    const headers = { 'httpkom-connection': id }
    const pending = fetch(`${second.url}/${SERVER}/conferences/?name=lyskom`, { headers })
    await sleep(300)
    const ended = ending.stop()
    // The owner is checked each second.
    await sleep(2500)
    expect(await second.status(id)).toBe(403)
    for (const line of proxy.lines) line.resume()
    expect((await pending).status).toBe(200)
    await ended
  })

  it.each([
    ['has', false],
    ['has had', true],
  ])('suspended for longer than its lease, while another node %s its slot: it serves no old id', async (_, ends) => {
    const { started, ids } = await stage.nodes(2)
    const [suspended, second] = started
    const [id] = ids
    expect(await second.status(id)).toBe(200)
    const redisTimesOut = sleep(REDIS_SILENT_MS)
    suspended.kill('SIGSTOP')
    const inFlight = suspended.status(id)
    const gone = await until(() => second.status(id), isGone)
    expectWithin(LEASE_MS + PROBE_MS, gone.ms, 'suspended node: 403')
    const { url: nodeUrl, host: nodeHost } = await collidingUrl(suspended.nodeUrl)
    const successor = await stage.start({ nodeUrl, nodeHost })
    const taken = await successor.open()
    expect(taken.slice(0, 3)).toBe(id.slice(0, 3))
    if (ends) await successor.stop()
    await redisTimesOut
    suspended.kill('SIGCONT')
    // Requests that waited in the kernel, too.
    expect(await inFlight).toBe(403)
    for (let i = 0; i < 20; i++) {
      expect(await Promise.all([suspended.status(id), second.status(id)])).toEqual([403, 403])
      const expected = ends ? 403 : 200
      expect(await Promise.all([suspended.status(taken), second.status(taken)])).toEqual([expected, expected])
    }
    const fresh = await suspended.open()
    expect(fresh.slice(0, 3) === id.slice(0, 3)).toBe(ends)
    expect(await Promise.all([suspended.status(fresh), second.status(fresh)])).toEqual([200, 200])
    await expect.poll(() => suspended.log).toContain('another node has taken the slot of this one')
  })

  it('suspended for less than its lease, or while no other node takes its slot: its sessions go on', async () => {
    const { started, ids } = await stage.nodes(2)
    const [suspended, second] = started
    expect(await second.status(ids[0])).toBe(200)
    suspended.kill('SIGSTOP')
    const waiting = second.status(ids[0])
    await sleep(LEASE_MS / 3)
    suspended.kill('SIGCONT')
    expect(await waiting).toBe(200)
    suspended.kill('SIGSTOP')
    await until(() => second.status(ids[0]), isGone)
    suspended.kill('SIGCONT')
    expect(await suspended.status(ids[0])).toBe(200)
    const back = await until(
      () => second.status(ids[0]),
      (status) => status === 200,
    )
    expectWithin(0, back.ms, 'resumed node: forwarded again')
  })
})
