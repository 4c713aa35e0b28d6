import { setTimeout as sleep } from 'node:timers/promises'
import { requestBytes } from '../../support/http-connection.ts'
import { type Client, type Kinds, OPEN_SESSION } from '../client.ts'
import type { CheckedRequest } from '../http-client.ts'
import { INCOMPLETE_MS, MARGIN_MS, RESPONSE_MS, STALL_MS } from '../settings.ts'
import { withDeadline } from '../with-deadline.ts'

/** How long a request is sent byte by byte: less than its timeouts. */
const SLOW_MS = 2000
const UNKNOWN_ID = '01234567-89ab-4cde-8f01-23456789abcd'

/** A proxy answers it in HTTP/0.9: without a status. */
const HTTP_0_9 = 'GET /\r\n\r\n'
/** Invalid or odd requests. The gateway rejects them or closes the connection, and never responds with 500. */
const BYTES: readonly string[] = [
  'A5Hnobody\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'GET / HTTP/9.9\r\n\r\n',
  HTTP_0_9,
  'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nno colon here\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(3000)}\r\n`,
  'POST /stable/sessions/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{',
  'GET / HTTP/1.1\r\nHost: x\r\nExpect: the unexpected\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'CONNECT demo:80 HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
]

const PATHS = ['/%00', '/%', '/%ff%fe', '/..%2f..%2fetc/passwd', '/__proto__/server/info', '/constructor/sessions/']
const PARTS = ['texts/-1', `texts/${'9'.repeat(20)}`, 'texts/1e3', 'persons/%0a/memberships', 'conferences/?name=%00']

/** Clients that send invalid or incomplete requests, or that disconnect or stop reading at any time. */
export const BROKEN = {
  /** Disconnects in the middle of a request or response. Its session, if any, remains usable. */
  async aborter(client, { random, server, observations }) {
    if (random.chance(0.4)) {
      await abort(client, { method: 'POST', path: `/${server.id}/sessions/`, json: OPEN_SESSION, allow: [] })
      return
    }
    const { pers_no } = await client.openAndLogIn()
    for (let times = random.integer(1, 3); times > 0; times--) {
      const text = client.newText('soak, by a client that disconnected', random.integer(1, 20_000))
      const request = random.pick([
        client.onSession('GET', `/persons/${pers_no}/memberships/unread/`, []),
        client.onSession('GET', `/conferences/${server.conference}/texts/?no-of-texts=50`, []),
        client.onSession('POST', '/texts/', [], text),
      ])
      if (request.method === 'POST') observations.uncertain.add(server.id)
      await abort(client, request)
      if (!(await client.checkAlive('its client disconnected'))) return
    }
    // Otherwise the client leaves the session open.
    if (random.chance(0.5)) await client.end()
  },
  /** Sends requests one byte at a time, and sometimes gives up. */
  async 'slow sender'(client, { random, server }) {
    const person = random.pick(server.persons)
    await client.open(person)
    const connection = await client.connect()
    const { socket } = connection
    const send = (request: CheckedRequest) =>
      client.requestOn(connection, request, async (bytes) => {
        const slowly = random.integer(60, 150)
        socket.write(bytes.subarray(0, -slowly))
        // On a busy machine each pause takes longer, and the request must be complete in time.
        const end = performance.now() + SLOW_MS
        for (let left = slowly; left > 0; left--) {
          const isLate = performance.now() > end
          socket.write(bytes.subarray(-left, isLate || left === 1 ? undefined : 1 - left))
          if (isLate) return
          await sleep(random.integer(1, 20))
        }
      })
    await send(client.onSession('POST', '/sessions/current/login', [201], person))
    if (random.chance(0.3)) {
      const head = `POST /${server.id}/texts/ HTTP/1.1\r\nHost: x\r\nHttpkom-Connection: ${client.id}`
      const half = `${head}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"subject": "half a`
      const response = await withDeadline(random.integer(0, 500), connection.request(Buffer.from(half)))
      connection.reset()
      // A fault may have ended the session since the login. The gateway does not wait for the rest of the request then.
      if (response === 'late' || (server.isFaulty && response?.status === 403)) return
      client.wrong(`${response?.status} to half a request`)
      return
    }
    await client.post(`soak, byte by byte ${random.integer(0, 2 ** 48).toString(36)}`, 30, undefined, send)
    await client.end()
  },
  /** Requests megabytes without reading them: the gateway closes the connection and keeps the session. */
  async 'slow reader'(client, { random, observations }) {
    await client.openAndLogIn()
    const { socket } = await client.connect()
    const closed = new Promise<'closed'>((resolve) => socket.once('close', () => resolve('closed')))
    socket.removeAllListeners('data').pause()
    const textNo = await client.post('soak, a long text', 60_000)
    const request = requestBytes(client.onSession('GET', `/texts/${textNo}`, []))
    const count = random.integer(10, 60)
    observations.requests.sent += count
    observations.requests.aborted += count
    socket.write(Buffer.concat(Array.from({ length: count }, () => request)))
    const stays = random.chance(0.5)
    const end = performance.now() + (stays ? STALL_MS : 1000)
    while (performance.now() < end) {
      await client.pause(500, 1500)
      if (!(await client.checkAlive('its client stopped reading'))) return
    }
    if (stays) {
      // Resumed reading yields the kernel's buffer and then the end of the connection.
      socket.resume()
      if ((await withDeadline(MARGIN_MS, closed)) === 'late') client.wrong('its connection stays open')
    }
    socket.resetAndDestroy()
    await client.end()
  },
  /** Sends half a request and stays connected: the gateway closes the connection. */
  async 'half request'(client, { random, observations, server }) {
    const connection = await client.connect()
    const half = random.pick([
      '',
      'GET / HT',
      'GET /stats HTTP/1.1\r\nHost: x\r\nX-Half',
      `POST /${server.id}/sessions/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"clie`,
    ])
    const shown = `half a request, ${JSON.stringify(half)}`
    const response = await withDeadline(INCOMPLETE_MS, connection.request(Buffer.from(half)))
    if (response === 'late') client.wrong(`no timeout of ${shown}`)
    else if (response !== undefined && response.status !== 408) {
      observations.problem('wrong response', `${response.status} to ${shown}`)
    }
    const closed = new Promise<'closed'>((resolve) => connection.socket.once('close', () => resolve('closed')))
    if (!connection.socket.destroyed && (await withDeadline(RESPONSE_MS, closed)) === 'late') {
      client.wrong(`the connection stays open after ${shown}`)
    }
  },
  /** Sends invalid requests, as HTTP and as raw bytes. */
  async malformed(client, { random }) {
    for (let left = random.integer(3, 8); left > 0; left--) {
      if (random.chance(0.4)) await sendBytes(client, random.pick(BYTES))
      else await client.request(invalidRequest(client))
      await client.pause(0, 100)
    }
  },
} satisfies Kinds

async function abort(client: Client, request: CheckedRequest): Promise<void> {
  const { random, observations } = client.options
  const { socket } = await client.connect()
  const bytes = requestBytes(request)
  const isComplete = random.chance(0.5)
  if (isComplete) {
    observations.requests.sent++
    observations.requests.aborted++
  }
  // The response may arrive before the disconnect and is not read.
  socket.removeAllListeners('data')
  socket.write(bytes.subarray(0, isComplete ? bytes.length : random.integer(1, bytes.length - 1)))
  await client.pause(0, random.chance(0.5) ? 3 : 60)
  if (random.chance(0.5)) socket.resetAndDestroy()
  else socket.destroy()
}

/** A valid HTTP request that the gateway rejects. */
function invalidRequest({ options: { random, server } }: Client): CheckedRequest {
  const { id } = server
  const json = random.pick<unknown>([
    null,
    [],
    'text',
    JSON.parse('{"__proto__": {"polluted": 1}}'),
    { client: { name: 'a\nb', version: -1 } },
    { client: { name: 'x'.repeat(5000), version: '\u0000' } },
    { pers_no: -1, passwd: {} },
  ])
  const path = random.chance(0.5) ? random.pick(PATHS) : `/${id}/${random.pick(PARTS)}`
  const unknownId = random.pick([UNKNOWN_ID, "' or 1=1 --", 'x'.repeat(500), '__proto__'])
  return random.pick<CheckedRequest>([
    { method: 'GET', path, id: unknownId, allow: [400, 403, 404] },
    { method: random.pick(['PUT', 'TRACE', 'DELETE', 'MKCOL']), path, json, allow: [400, 403, 404, 405] },
    { method: 'POST', path: `/${id}/sessions/`, json, allow: [400] },
    { method: 'POST', path: `/${id}/sessions/current/login`, id: UNKNOWN_ID, json, allow: [403] },
    { method: 'GET', path: `/websocket?Httpkom-Connection=${UNKNOWN_ID}`, allow: [400, 403] },
  ])
}

async function sendBytes(client: Client, text: string): Promise<void> {
  const { observations } = client.options
  const connection = await client.connect()
  const pending = connection.request(Buffer.from(text, 'latin1')).catch((error: Error) => error)
  const response = await withDeadline(RESPONSE_MS, pending)
  const shown = JSON.stringify(text.slice(0, 60))
  if (response === 'late') observations.problem('no response', `${shown}: the connection stays open without a response`)
  else if (response instanceof Error) {
    if (text !== HTTP_0_9) observations.problem('wrong response', `${shown}: ${response.message}`)
  } else if (response !== undefined && response.status >= 500 && response.status !== 505) {
    observations.problem('wrong response', `${shown}: ${response.status}`)
  }
  connection.reset()
}
