import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { Connection } from '../../src/connection/connection.ts'
import { ConnectionError, type ConnectionErrorCode } from '../../src/connection/errors.ts'
import { STATUS } from '../../src/http/errors/status.ts'
import { StoreError, type StoreErrorCode } from '../../src/store/errors.ts'
import { SessionStore } from '../../src/store/store.ts'
import { startDemoSession } from '../support/demo-session.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const WHERE = 'Redis at 127.0.0.1:38561 of /var/lib/komgate/sessions.db at redis.internal'
/** Texts that no client may see. */
const SECRET = /\d+\.\d+\.\d+\.\d+|38561|\/var|\.db|internal|Redis|port \d|ENOENT|WRONGPASS/
const CLIENT = { client: { name: 'test', version: '1' } }
const METHODS = ['create', 'find', 'touch', 'merge', 'change', 'countActiveUsers', 'end', 'endUser', 'endApp'] as const
const LISTS = ['listUser', 'listActive'] as const

afterEach(() => vi.restoreAllMocks())

describe('responses to errors of the session store', () => {
  let gateway: TestGateway
  let id: string
  beforeAll(async () => {
    ;({ gateway, id } = await startDemoSession())
  })
  afterAll(() => gateway.close())

  const TOKEN = 'a'.repeat(64)
  const ROUTES: readonly [method: string, path: string, json?: unknown][] = [
    ['GET', '/demo/sessions/current/data'],
    ['PATCH', '/demo/sessions/current/data', { a: 1 }],
    ['GET', '/demo/sessions/mine'],
    ['DELETE', '/demo/sessions/mine?except=current'],
    ['DELETE', '/demo/sessions/mine/0123456789ab'],
    ['GET', '/ping'],
    ['PUT', '/shop/create/user?ip=192.0.2.1'],
    ['GET', `/shop/get/${TOKEN}`],
    ['POST', `/shop/set/${TOKEN}`, { a: 1 }],
    ['GET', '/shop/activity?dt=60'],
    ['GET', '/shop/soapp?dt=60'],
    ['GET', '/shop/soid/user'],
    ['DELETE', `/shop/kill/${TOKEN}`],
    ['DELETE', '/shop/killsoid/user'],
    ['DELETE', '/shop/killall'],
    ['POST', '/sessman/new', { user: 'u' }],
    ['POST', '/sessman/update', { session_id: 'x', data: 1 }],
    ['GET', '/sessman/get?session_id=x'],
    ['GET', '/add_session.cgi?user_id=u;service=s'],
    ['GET', '/validate.cgi?user_id=u;service=s;session_id=x'],
    ['GET', '/expire_session.cgi?user_id=u;service=s'],
  ]

  it.each<StoreErrorCode>(['unavailable', 'full', 'cannot-list', 'too-large', 'contended'])(
    'the response to the error %s reveals no location of the store',
    async (code) => {
      const error = new StoreError(code, `${WHERE} fails: WRONGPASS`, { cause: new Error('ENOENT') })
      for (const method of METHODS) vi.spyOn(SessionStore.prototype, method).mockRejectedValue(error)
      for (const method of LISTS) {
        vi.spyOn(SessionStore.prototype, method).mockImplementation(async function* () {
          yield* []
          throw error
        })
      }
      for (const [method, path, json] of ROUTES) {
        const { status, text } = await gateway.send(method, path, { id, ...(json !== undefined && { json }) })
        expect([method, path, status]).toEqual([method, path, STATUS[code]])
        expect(text).toMatch(/session/)
        expect(text).not.toMatch(SECRET)
      }
    },
  )

  it('the response to session data over 16 kB names the limit', async () => {
    const json = { a: 'x'.repeat(20_000) }
    const { status, text } = await gateway.send('PATCH', '/demo/sessions/current/data', { id, json })
    expect([status, text]).toEqual([413, expect.stringContaining('16384 bytes at most')])
  })
})

describe('responses to errors of a LysKOM connection', () => {
  let gateway: TestGateway
  let rejecting: Server
  let id: string
  beforeAll(async () => {
    rejecting = createServer((socket) => socket.end('%%No connections from 10.20.30.40 to lyskom.internal\n'))
    await once(rejecting.listen(0, '127.0.0.1'), 'listening')
    const { port } = rejecting.address() as { port: number }
    gateway = await startTestGateway([
      { id: 'demo', demo: true },
      { id: 'down', port: 1 },
      { id: 'rejecting', port },
    ])
    id = await gateway.open()
  })
  afterAll(async () => {
    await gateway.close()
    rejecting.close()
  })

  it.each([
    ['down', 502],
    ['rejecting', 503],
  ])('the response to a failed opening reveals no location of the server "%s"', async (server, expected) => {
    const seen = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const { status, json, text } = await gateway.send('POST', `/${server}/sessions/`, { json: CLIENT })
      expect(status).toBe(expected)
      expect(text).not.toMatch(SECRET)
      seen.add(json.error_msg)
    }
    // The circuit breaker quotes the last error. It stays closed for a server that rejects connections.
    const isQuoted = [...seen].some((message) => message.startsWith('the LysKOM server is down: '))
    expect(isQuoted).toBe(server === 'down')
  })

  it.each<ConnectionErrorCode>(['unreachable', 'connect-refused', 'connection-rejected'])(
    'HTTP and WebSocket responses to the error %s reveal no location of the server',
    async (code) => {
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
      await once(socket, 'open')
      const error = new ConnectionError(code, 'cannot connect to 127.0.0.1 port 38561 at lyskom.internal')
      vi.spyOn(Connection.prototype, 'call').mockRejectedValue(error)
      const { text } = await gateway.send('GET', '/demo/server/info', { id })
      expect(text).toMatch(/the LysKOM server/)
      expect(text).not.toMatch(SECRET)
      socket.send('{"protocol":"a","ref_no":1,"request":"78 8"}')
      const [data] = await once(socket, 'message')
      expect(String(data)).toMatch(/^\{"ref_no":1,"error":"[^"]*the LysKOM server/)
      expect(String(data)).not.toMatch(SECRET)
      socket.close()
    },
  )
})
