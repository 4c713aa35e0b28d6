import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/cluster/cluster.ts'
import { Signatures } from '../../src/cluster/signature.ts'
import { slotOf } from '../../src/cluster/slots.ts'
import { nodeRequests } from '../../src/http/cluster/node-requests.ts'
import { clientAddressBehind } from '../../src/http/input/client-address.ts'
import type { Registry } from '../../src/sessions/registry.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'
import type { SendOptions, TestGateway } from '../support/gateway.ts'
import { openRaw, rawRequest, WEBSOCKET_FIELDS } from '../support/raw-http.ts'
import { withRedis } from '../support/redis-server.ts'
import { canStartCluster, onCluster, SERVER, WHO_AM_I } from './stage.ts'

const KEY = 'a-key-of-nodes-that-only-tests-have'
const FORWARDED = 'komgate-forwarded'

const MEGABYTE = 2 ** 20
const MAX_HEADER_BYTES = 2000
/** Of each node. */
const MAX_SESSIONS = 6

describe.skipIf(!canStartCluster)('requests between nodes', () => {
  const stage = onCluster({
    maxHeaderBytes: MAX_HEADER_BYTES,
    maxUnreadBytesPerAddress: MEGABYTE,
    maxUnreadBytes: 3 * MEGABYTE,
  })

  /** The owners of slots, as they are in Redis. */
  async function owners(): Promise<{ slot: string; url: string; epoch: string }[]> {
    return await withRedis(stage.cluster.redis.url, async (client) => {
      const keys = await client.keys('komgate:cluster:slot:*')
      return await Promise.all(
        keys.map(async (key) => ({ slot: key.slice(-3), ...JSON.parse((await client.get(key)) ?? '') })),
      )
    })
  }

  /** The owner of a session. */
  async function ownerOf(id: string) {
    const found = (await owners()).find(({ slot }) => id.startsWith(slot))
    if (found === undefined) throw new Error('no node has the session')
    return found
  }

  interface Signing {
    key?: string
    method?: string
    target?: string
    ageMs?: number
    epoch?: string
  }

  function sign({ key = KEY, method = 'GET', target = WHO_AM_I, ageMs = 0, epoch = '' }: Signing): string {
    return new Signatures(key).sign({ method, target }, { time: Date.now() - ageMs, epoch, clientAddress: '192.0.2.7' })
  }

  /** Sends a request to the node port of the owner of a session. Returns the status. */
  async function direct(id: string, forwarded?: string, options: SendOptions = {}, path = WHO_AM_I): Promise<number> {
    const { url } = await ownerOf(id)
    const headers = { ...(forwarded !== undefined && { [FORWARDED]: forwarded }), ...options.headers }
    const response = await fetch(url + path, { headers: { 'httpkom-connection': id, ...headers } })
    await response.arrayBuffer()
    return response.status
  }

  const warnings = ({ log }: TestGateway) =>
    log.filter((line) => line.includes('"level":40')).map((line) => JSON.parse(line).msg)

  it('are answered by the node port with the right signature', async () => {
    const id = await stage.logIn()
    const { epoch } = await ownerOf(id)
    expect(await direct(id, sign({ epoch }))).toBe(200)
  })

  it.each<[string, Signing, RegExp]>([
    ['signed with another key', { key: 'another key of 32 characters, or more' }, /missing or wrong/],
    ['signed for another path', { target: '/kom/sessions/current/who-am-j' }, /missing or wrong/],
    ['signed for another method', { method: 'POST' }, /missing or wrong/],
    ['signed 31 s ago', { ageMs: 31_000 }, /is 3\d s old/],
    ['signed 36 s too early', { ageMs: -36_000 }, /is -3\d s old/],
  ])('are rejected with 403 and a line in the log if %s', async (_, signing, reason) => {
    const id = await stage.logIn()
    const { epoch } = await ownerOf(id)
    expect(await direct(id, sign({ epoch, ...signing }))).toBe(403)
    expect(warnings(stage.owner).at(-1)).toMatch(reason)
  })

  it('are rejected with 403 and a line in the log without a signature', async () => {
    const id = await stage.logIn()
    const before = warnings(stage.owner).length
    expect(await direct(id)).toBe(403)
    expect(warnings(stage.owner).slice(before)).toEqual([expect.stringMatching(/the signature is missing or wrong/)])
  })

  it('are rejected with 403 with two signatures, one of which is right', async () => {
    const id = await stage.logIn()
    const { epoch } = await ownerOf(id)
    expect(await direct(id, `${sign({ epoch })}, ${sign({ epoch, key: 'x'.repeat(32) })}`)).toBe(403)
  })

  it('are rejected with 421 if they are for an earlier epoch', async () => {
    const id = await stage.logIn()
    expect(await direct(id, sign({ epoch: crypto.randomUUID() }))).toBe(421)
  })

  it('go no further than one hop', async () => {
    const id = await stage.logIn()
    const third = await ownerOf(await (stage.cluster.nodes[2] as TestGateway).open())
    const header = sign({ epoch: third.epoch })
    const response = await fetch(third.url + WHO_AM_I, { headers: { 'httpkom-connection': id, [FORWARDED]: header } })
    expect(response.status).toBe(421)
  })

  it('count against the total limit of unread bytes only: each node limits its own clients', async () => {
    const id = await stage.logIn()
    const { url, epoch } = await ownerOf(id)
    const json = { subject: 's', body: 'x'.repeat(130_000), content_type: 'text/x-kom-basic', recipient_list: [] }
    const written = await stage.owner.send('POST', `/${SERVER}/texts/`, { id, json })
    const target = `/${SERVER}/texts/${written.json.text_no}`
    const request = rawRequest('GET', target, {
      'Httpkom-Connection': id,
      'Komgate-Forwarded': sign({ epoch, target }),
    })
    const sockets = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { socket } = await openRaw(url)
        socket.pause()
        socket.write(request.repeat(690))
        return socket
      }),
    )
    const hits = async (limit: string) => {
      const { text } = await stage.owner.send('GET', '/metrics')
      return Number(new RegExp(`^komgate_limit_hits_total\\{limit="${limit}"\\} (\\d+)$`, 'm').exec(text)?.[1])
    }
    await expect.poll(() => hits('unread-bytes'), { timeout: 10_000 }).toBeGreaterThan(0)
    expect(await hits('unread-bytes-per-address')).toBe(0)
    for (const socket of sockets) socket.destroy()
  })

  it.each([
    ['below', -1, /^HTTP\/1\.1 200 /],
    ['over', 600, /^HTTP\/1\.1 431 /],
  ])('may have a head that is just %s the limit at the first node', async (_, more, status) => {
    const id = await stage.logIn()
    const fieldsOf = (padding: string) => ({ 'Httpkom-Connection': id, 'X-Padding': padding, Connection: 'close' })
    const bare = rawRequest('GET', WHO_AM_I, fieldsOf('')).length
    for (const node of [stage.owner, stage.other]) {
      const raw = await openRaw(node.url)
      raw.socket.write(rawRequest('GET', WHO_AM_I, fieldsOf('x'.repeat(MAX_HEADER_BYTES - bare + more))))
      expect(await raw.closed()).toMatch(status)
    }
  })

  it('cannot be sent by clients, whatever they know', async () => {
    const id = await stage.logIn()
    const { epoch } = await ownerOf(id)
    for (const forwarded of ['x', '', sign({ epoch })]) {
      for (const node of [stage.owner, stage.other]) {
        const before = warnings(node).length
        const { status } = await node.send('GET', WHO_AM_I, { id, headers: { [FORWARDED]: forwarded } })
        expect(status).toBe(403)
        expect(warnings(node).slice(before)).toEqual([expect.stringMatching(/a client has sent Komgate-Forwarded/)])
      }
    }
    const raw = await openRaw(stage.owner.url)
    const fields = {
      ...WEBSOCKET_FIELDS,
      'Komgate-Forwarded': sign({ epoch, target: `/websocket?Httpkom-Connection=${id}` }),
    }
    raw.socket.write(rawRequest('GET', `/websocket?Httpkom-Connection=${id}`, fields))
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 403 /)
  })
})

describe('the client address of a request that another node has forwarded', () => {
  it('is the one that the signature holds, whatever the headers claim', async () => {
    const addressOf = clientAddressBehind(['127.0.0.1'], 'x-forwarded-for')
    const app = new Hono().get('/', (c) => c.text(addressOf(c)))
    const handle = nodeRequests({
      cluster: { clientAddressIn: () => '192.0.2.7' } as unknown as Cluster,
      registry: {} as Registry,
      fetch: app.fetch,
      adminFetch: app.fetch,
      onRejected: () => undefined,
    })
    const headers = { 'x-forwarded-for': '198.51.100.9' }
    const response = await handle(new Request('http://127.0.0.1/', { headers }), {})
    expect(await response.text()).toBe('192.0.2.7')
  })
})

describe.skipIf(!canStartCluster)('a new session of a browser that has the cookie of an ended one', () => {
  let server: FakeServer
  const settings = { transports: ['cookie' as const], drainMs: 2000, maxSessions: MAX_SESSIONS }
  const stage = onCluster({ trustedProxies: ['127.0.0.1'], ...settings }, async () => {
    server = await startFakeServer()
    return { ...server, stop: server.close }
  })
  const json = { client: { name: 'test', version: '1' } }
  const headersFor = (id: string) => ({
    cookie: `__Host-komgate-${SERVER}=${id}`,
    'sec-fetch-site': 'same-origin',
    'x-forwarded-for': '192.0.2.66, 198.51.100.9',
  })

  async function openStale(node: TestGateway): Promise<string> {
    const id = await node.open()
    expect((await node.send('DELETE', `/${SERVER}/sessions/0`, { id })).status).toBe(204)
    return id
  }

  it('is opened by the node asked, with the address of the client', async () => {
    const headers = headersFor(await openStale(stage.owner))
    const own = await stage.other.open()
    const opened = await stage.other.send('POST', `/${SERVER}/sessions/`, { headers, json })
    expect(opened.status).toBe(201)
    expect(opened.json.connection_id.slice(0, 3)).toBe(own.slice(0, 3))
    expect(server.connections.at(-1)?.hello).toMatch(/198\.51\.100\.9$/)
  })

  it('is opened with a body without a length', async () => {
    const headers = headersFor(await openStale(stage.owner))
    const raw = await openRaw(stage.other.url)
    const fields = { ...headers, 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/json' }
    const body = JSON.stringify(json)
    raw.socket.write(rawRequest('POST', `/${SERVER}/sessions/`, fields))
    raw.socket.write(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
    await raw.received(/^HTTP\/1\.1 201 /)
    raw.socket.destroy()
  })

  it('is opened while the node of the ended one is full', async () => {
    const third = stage.cluster.nodes[2] as TestGateway
    const headers = headersFor(await openStale(third))
    const full: string[] = []
    for (let i = 0; i < MAX_SESSIONS; i++) full.push(await third.open())
    expect((await third.send('POST', `/${SERVER}/sessions/`, { json })).status).toBe(503)
    expect((await stage.other.send('POST', `/${SERVER}/sessions/`, { headers, json })).status).toBe(201)
    for (const id of full) await third.send('DELETE', `/${SERVER}/sessions/0`, { id })
  })

  it('is opened while the node of the ended one drains, and not if its session lives', async () => {
    const third = stage.cluster.nodes[2] as TestGateway
    const [stale, live] = [await openStale(third), await third.open()]
    const closed = third.close()
    expect((await third.send('POST', `/${SERVER}/sessions/`, { json })).status).toBe(503)
    const open = async (id: string) =>
      (await stage.other.send('POST', `/${SERVER}/sessions/`, { headers: headersFor(id), json })).status
    expect(await open(stale)).toBe(201)
    expect(await open(live)).toBe(409)
    await closed
    expect(await open(live)).toBe(201)
  })
})

describe.skipIf(!canStartCluster)('an id that no node has', () => {
  const stage = onCluster()

  it('is rejected with 403 in any slot, and for a WebSocket too', async () => {
    for (const id of [
      '0',
      'nonsense',
      crypto.randomUUID(),
      `${slotOf(4095)}${crypto.randomUUID().slice(3)}`,
      'ABCdef',
    ]) {
      expect((await stage.other.send('GET', WHO_AM_I, { id })).status).toBe(403)
    }
    const raw = await openRaw(stage.other.url)
    raw.socket.write(rawRequest('GET', `/websocket?Httpkom-Connection=${crypto.randomUUID()}`, WEBSOCKET_FIELDS))
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 403 .*There is no such session/s)
  })

  it('is rejected with 403 on every node at once when its node has ended, and not before', async () => {
    const [first, , third] = stage.cluster.nodes as [TestGateway, TestGateway, TestGateway]
    const id = await stage.logIn(third)
    const kept = await stage.logIn(first)
    expect((await stage.other.send('GET', WHO_AM_I, { id })).status).toBe(200)
    await third.close()
    expect((await stage.other.send('GET', WHO_AM_I, { id })).status).toBe(403)
    expect((await first.send('GET', WHO_AM_I, { id })).status).toBe(403)
    expect((await stage.other.send('GET', WHO_AM_I, { id: kept })).status).toBe(200)
  })
})
