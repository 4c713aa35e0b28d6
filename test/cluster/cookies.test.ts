import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type DemoServer, startDemoServer } from '../../src/demo/server.ts'
import { startCluster, type TestCluster, type TestGateway } from '../support/gateway.ts'
import { openRaw, rawRequest, WEBSOCKET_FIELDS } from '../support/raw-http.ts'
import { canStartCluster } from './stage.ts'

const NODES = [0, 1, 2]
const OPENING = { client: { name: 'test', version: '1' } }
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }

const cookie = (server: string, id: string): string => `__Host-komgate-${server}=${id}`

describe.skipIf(!canStartCluster)('the cookies of a browser with several sessions', () => {
  let lyskom: DemoServer
  let cluster: TestCluster
  beforeAll(async () => {
    lyskom = await startDemoServer()
    const servers = ['kom', 'lys'].map((id) => ({ id, port: lyskom.port }))
    cluster = await startCluster(servers, { transports: ['cookie'] })
  }, 30_000)
  afterAll(async () => {
    await cluster?.close()
    await lyskom?.close()
  })
  const node = (i: number): TestGateway => cluster.nodes[i] as TestGateway

  /** Opens a session on a node. Returns its cookie and its number. */
  async function open(i: number, server = 'kom') {
    const { status, json } = await node(i).send('POST', `/${server}/sessions/`, { json: OPENING })
    expect(status).toBe(201)
    return {
      id: json.connection_id as string,
      no: json.session_no as number,
      cookie: cookie(server, json.connection_id),
    }
  }

  /** Opens a session on a node, and ends it. Returns its cookie. */
  async function openStale(i: number, server = 'kom'): Promise<string> {
    const { id, cookie } = await open(i, server)
    expect((await node(i).send('DELETE', `/${server}/sessions/0`, { id })).status).toBe(204)
    return cookie
  }

  /** The number of the session that each node selects for a GET, or the status of its error. */
  async function selected(server: string, cookies: readonly string[]): Promise<number[]> {
    const headers = { cookie: cookies.join('; ') }
    return await Promise.all(
      NODES.map(async (i) => {
        const { status, json } = await node(i).send('GET', `/${server}/sessions/current/who-am-i`, { headers })
        return status === 200 ? json.session_no : status
      }),
    )
  }

  /** The number of the session on which each node opens a WebSocket. */
  async function selectedByWebSocket(cookies: readonly string[]): Promise<number[]> {
    return await Promise.all(
      NODES.map(async (i) => {
        const headers = { cookie: cookies.join('; ') }
        const socket = new WebSocket(`${node(i).url.replace('http', 'ws')}/websocket`, { headers })
        await once(socket, 'open')
        const received = once(socket, 'message')
        socket.send(JSON.stringify({ protocol: 'calls', ref_no: 1, request: { call: 'who-am-i' } }))
        const [message] = await received
        socket.terminate()
        return JSON.parse(String(message)).reply
      }),
    )
  }

  it('select the session of the first one for a WebSocket, on every node', async () => {
    const kom = await open(0, 'kom')
    const lys = await open(1, 'lys')
    expect(await selectedByWebSocket([kom.cookie, lys.cookie])).toEqual([kom.no, kom.no, kom.no])
    expect(await selectedByWebSocket([lys.cookie, kom.cookie])).toEqual([lys.no, lys.no, lys.no])
    expect(await selected('kom', [lys.cookie, kom.cookie])).toEqual([kom.no, kom.no, kom.no])
    expect(await selected('lys', [kom.cookie, lys.cookie])).toEqual([lys.no, lys.no, lys.no])
  })

  it.each(NODES)('select the first live session after an ended one of node %i, on every node', async (i) => {
    const stale = await openStale(i)
    const [live, later] = [await open(0), await open(1)]
    expect(await selected('kom', [stale, live.cookie, later.cookie])).toEqual([live.no, live.no, live.no])
    expect(await selected('kom', [later.cookie, stale, live.cookie])).toEqual([later.no, later.no, later.no])
    expect(await selected('kom', [stale])).toEqual([403, 403, 403])
    const cookies = [await openStale(i, 'lys'), stale, live.cookie, later.cookie]
    expect(await selectedByWebSocket(cookies)).toEqual([live.no, live.no, live.no])
  })

  it.each([
    ['an id in a slot without a node', crypto.randomUUID()],
    ['a short id', '0a7'],
    ['a line break', '0a7%0d%0aHttpkom-Connection: 1'],
  ])('select the live session after %s, on every node', async (_, value) => {
    const live = await open(2)
    expect(await selected('kom', [cookie('kom', value), live.cookie])).toEqual([live.no, live.no, live.no])
    expect(await selected('kom', [cookie('kom', value)])).toEqual([403, 403, 403])
  })

  it('are the first 16 that differ, so that a request costs a bounded number of others', async () => {
    const live = await open(2)
    const stale = await openStale(0)
    expect(await selected('kom', [...Array(20).fill(stale), live.cookie])).toEqual([live.no, live.no, live.no])
    const others = Array.from({ length: 15 }, () => cookie('kom', crypto.randomUUID()))
    expect(await selected('kom', [...others, live.cookie])).toEqual([live.no, live.no, live.no])
    expect(await selected('kom', [...others, stale, live.cookie])).toEqual([403, 403, 403])
  })

  it('select no session of another LysKOM server', async () => {
    const { id } = await open(1, 'lys')
    expect(await selected('kom', [cookie('kom', id)])).toEqual([403, 403, 403])
    const live = await open(2)
    expect(await selected('kom', [cookie('kom', id), live.cookie])).toEqual([live.no, live.no, live.no])
  })

  it('prevent another session while one of them is live, wherever it is', async () => {
    const cookies = [await openStale(1), (await open(0)).cookie]
    for (const i of NODES) {
      const headers = { ...SAME_ORIGIN, cookie: cookies.join('; ') }
      expect((await node(i).send('POST', '/kom/sessions/', { headers, json: OPENING })).status).toBe(409)
    }
  })

  it('are rejected on every node if a page of another origin sends them', async () => {
    const live = await open(0)
    const headers = { cookie: live.cookie, 'sec-fetch-site': 'cross-site' }
    for (const i of NODES) {
      const { status, json } = await node(i).send('POST', '/kom/sessions/current/active', { headers })
      expect([status, json.error_msg]).toEqual([403, expect.stringMatching(/from allowed origins only/)])
      const raw = await openRaw(node(i).url)
      const fields = { ...WEBSOCKET_FIELDS, Cookie: live.cookie, Origin: 'https://evil.example' }
      raw.socket.write(rawRequest('GET', '/websocket', fields))
      expect(await raw.closed()).toMatch(/^HTTP\/1\.1 403 /)
    }
  })
})
