import { Readable } from 'node:stream'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { Cluster, UnsignedRequest } from '../../src/cluster/cluster.ts'
import { ClusterError } from '../../src/cluster/errors.ts'
import type { ForwardedResponse } from '../../src/cluster/forwarded.ts'
import type { Owner } from '../../src/cluster/owner.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { OtherNodes } from '../../src/http/cluster/other-nodes.ts'
import type { Env } from '../../src/http/env.ts'
import { publicError } from '../../src/http/errors/public-error.ts'
import type { TestSettings } from '../support/config.ts'
import { EventClient } from '../support/event-client.ts'
import type { Answer, TestGateway } from '../support/gateway.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { canStartCluster, onCluster, SERVER, WHO_AM_I } from './stage.ts'

const ADMIN_KEY = 'a-key-of-sixteen-letters-or-more'
const headers = { authorization: `Bearer ${ADMIN_KEY}` }

/** Sends a request of an operator to a node. */
async function ask(
  { url, adminUrl = url }: TestGateway,
  method: string,
  path: string,
): Promise<Omit<Answer, 'headers'>> {
  const response = await fetch(adminUrl + path, { method, headers })
  const text = await response.text()
  return { status: response.status, text, json: text === '' ? undefined : JSON.parse(text) }
}

describe.skipIf(!canStartCluster).each<[string, TestSettings]>([
  ['on the port of clients', {}],
  ['below a base path', { basePath: '/kom' }],
  ['on a port of its own', { adminPort: 0 }],
  ['on a port of its own beside a base path', { adminPort: 0, basePath: '/kom' }],
])('administration %s, on several nodes', (_, settings) => {
  const stage = onCluster({ adminKey: ADMIN_KEY, ...settings })
  const sessionsAt = async (node: TestGateway) => (await ask(node, 'GET', '/admin/sessions')).json

  it('lists the sessions of all nodes at each of them', async () => {
    const before = (await sessionsAt(stage.owner)).sessions.length
    for (const node of stage.cluster.nodes) await node.open()
    for (const node of stage.cluster.nodes) {
      const list = await sessionsAt(node)
      expect(list.sessions).toHaveLength(before + 3)
      expect(list).not.toHaveProperty('missing')
    }
  })

  it('lists all nodes at each of them', async () => {
    for (const node of stage.cluster.nodes) {
      const { json } = await ask(node, 'GET', '/admin/nodes?x=1')
      expect(json.nodes).toHaveLength(3)
      expect(json.nodes.map((each: { is_asked: boolean }) => each.is_asked)).toEqual([true, false, false])
      for (const { version, sessions } of json.nodes)
        expect([typeof version, typeof sessions]).toEqual(['string', 'number'])
      expect(json).not.toHaveProperty('missing')
    }
  })

  it('traces and ends a session of another node', async () => {
    const others = new Set((await sessionsAt(stage.owner)).sessions.map(({ handle }: { handle: string }) => handle))
    const id = await stage.owner.open()
    const [{ handle }] = (await sessionsAt(stage.other)).sessions.filter(
      (each: { handle: string }) => !others.has(each.handle),
    )
    const { url, adminUrl = url } = stage.other
    const trace = await EventClient.open(`${adminUrl}/admin/sessions/${handle}/trace`, { headers })
    expect(trace.response.status).toBe(200)
    expect((await stage.cluster.nodes[2]?.send('GET', WHO_AM_I, { id }))?.status).toBe(200)
    await trace.first(1)
    expect((await ask(stage.other, 'DELETE', `/admin/sessions/${handle}`)).status).toBe(204)
    await trace.ended
    expect((await stage.owner.send('GET', WHO_AM_I, { id })).status).toBe(403)
    expect((await ask(stage.other, 'DELETE', `/admin/sessions/${handle}`)).status).toBe(404)
  })

  it.each(['%20', 'å', '%', 'a%2Fb', '0123456789ab'])('answers 404 for the handle %s', async (handle) => {
    expect((await ask(stage.other, 'DELETE', `/admin/sessions/${handle}`)).status).toBe(404)
  })

  it('is not reached by clients that ask for the path between nodes', async () => {
    const { status } = await stage.other.send('GET', '/.node/admin/sessions', { headers })
    expect(status).toBe(404)
  })
})

describe.skipIf(!canStartCluster)('administration while a LysKOM server does not answer', () => {
  let proxy: TcpProxy
  const stage = onCluster({ adminKey: ADMIN_KEY }, async () => {
    const demo = await startDemoServer()
    proxy = await startProxy(demo)
    const stop = async (): Promise<void> => void (await Promise.all([proxy.close(), demo.close()]))
    return { host: proxy.host, port: proxy.port, stop }
  })

  it('ends a session of another node after its pending call', async () => {
    const id = await stage.logIn()
    const { sessions } = (await ask(stage.other, 'GET', '/admin/sessions')).json
    for (const line of proxy.lines) line.stall()
    const pending = stage.owner.send('GET', `/${SERVER}/server/info`, { id })
    // Until the owner has read the request.
    await stage.owner.send('GET', '/version')
    const { status, json } = await ask(stage.other, 'DELETE', `/admin/sessions/${sessions[0].handle}`)
    expect([status, json]).toEqual([204, undefined])
    expect((await pending).status).not.toBe(200)
    expect((await stage.other.send('GET', WHO_AM_I, { id })).status).toBe(403)
  })
})

describe.skipIf(!canStartCluster)('administration while Redis is unavailable', () => {
  const stage = onCluster({ adminKey: ADMIN_KEY })

  it('lists the own sessions and node, and that others may be missing', async () => {
    const id = await stage.logIn()
    await stage.cluster.redis.stop()
    const { status, json } = await ask(stage.owner, 'GET', '/admin/sessions')
    expect([status, json.sessions.length, json.missing]).toEqual([200, 1, null])
    const nodes = await ask(stage.owner, 'GET', '/admin/nodes')
    expect([nodes.status, nodes.json.nodes.length, nodes.json.missing]).toEqual([200, 1, null])
    expect((await ask(stage.other, 'DELETE', `/admin/sessions/${json.sessions[0].handle}`)).status).toBe(503)
    expect((await stage.owner.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })
})

describe('a request for every node', () => {
  type Reply = number | string | 'silent' | 'slow' | 'ended'

  /** Answers requests at a node whose others reply with a status, a JSON text, or not at all. */
  function app(replies: readonly Reply[]) {
    const owners = replies.map((_, i) => [`${i}`, { epoch: `${i}`, url: `http://node-${i}` }] as const)
    const targets: string[] = []
    const cluster = {
      lease: { owner: { epoch: 'own' } },
      nodes: async () => new Map<string, Owner>([...owners, ['fff', { epoch: 'own', url: 'http://own' }]]),
      async forward(slot: string, { target, onGone }: UnsignedRequest): Promise<ForwardedResponse | undefined> {
        targets.push(target)
        const reply = replies[Number(slot)]
        if (reply === 'ended') return undefined
        if (reply === 'silent') throw new ClusterError('node-unreachable', 'no answer')
        const isStatus = typeof reply === 'number'
        const body = reply === 'slow' ? endless() : Buffer.from(isStatus ? `"of ${reply}"` : String(reply))
        onGone(() => body instanceof Readable && body.destroy(new Error('gone')))
        return { status: isStatus ? reply : 200, headers: [], body }
      },
    } as unknown as Cluster
    const others = new OtherNodes({ cluster, registry: { once: () => undefined as never }, clientAddress: () => '::1' })
    const hono = new Hono<Env>()
      .get('/list', async (c) => {
        const { nodes, missing } = await others.readAll<number>(c)
        return c.json({ values: nodes.map(({ value }) => value ?? null), ...missing })
      })
      .get('/find', async (c) => (await others.firstFound(c)) ?? c.json('none', 404))
      .onError((error) => new Response('', { status: publicError(error).status }))
    const get = async (path: string, env = {}) => {
      const response = await hono.request(path, {}, env)
      const text = await response.text()
      return [response.status, text === '' ? undefined : JSON.parse(text)]
    }
    return { get, targets }
  }

  function endless(): Readable {
    const body = new Readable({ read: () => undefined })
    body.push('[1')
    return body
  }

  it.each<[string, Reply[], unknown]>([
    ['all values', ['1', '2', '3'], { values: [1, 2, 3] }],
    ['no value of a silent node', ['1', 'silent', '3'], { values: [1, null, 3], missing: ['http://node-1'] }],
    ['nothing of a node that has ended', ['ended', '2'], { values: [2] }],
    ['no value of an error', [429, '2', 500], { values: [null, 2, null], missing: ['http://node-0', 'http://node-2'] }],
    ['no value of a body that does not end', ['1', 'slow'], { values: [1, null], missing: ['http://node-1'] }],
    ['no value of invalid JSON', ['{', '2'], { values: [null, 2], missing: ['http://node-0'] }],
    ['nothing without other nodes', [], { values: [] }],
  ])('reads %s', async (_, replies, expected) => {
    expect(await app(replies).get('/list')).toEqual([200, expected])
  })

  it.each<[string, Reply[], unknown[]]>([
    ['a success after errors', [429, 404, '"found"'], [200, 'found']],
    ['a success beside a silent node', ['silent', '"found"', 404], [200, 'found']],
    ['404 if no node has it', [404, 404], [404, 'none']],
    ['404 if the node that may have had it has ended', [404, 'ended'], [404, 'none']],
    ['the gravest error if no node has it', [404, 401, 429], [429, 'of 429']],
    ['504 if a node is silent and no other has it', [404, 'silent', 429], [504, undefined]],
    ['404 without other nodes', [], [404, 'none']],
  ])('finds %s', async (_, replies, expected) => {
    expect(await app(replies).get('/find')).toEqual(expected)
  })

  it('goes no further from a node that another one has asked', async () => {
    const { get, targets } = app(['1'])
    const env = { forwarded: { clientAddress: '::1' } }
    expect(await get('/list', env)).toEqual([200, { values: [] }])
    expect(await get('/find', env)).toEqual([404, 'none'])
    expect(targets).toEqual([])
    await get('/list?after=1')
    expect(targets).toEqual(['/.node/list?after=1'])
  })
})
