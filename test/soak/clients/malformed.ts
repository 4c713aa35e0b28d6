import type { Client } from '../client.ts'
import type { CheckedRequest } from '../http-client.ts'
import { RESPONSE_MS } from '../settings.ts'
import { withDeadline } from '../with-deadline.ts'

const UNKNOWN_ID = '01234567-89ab-4cde-8f01-23456789abcd'

/** Invalid or odd requests. The gateway rejects them or closes the connection, and never responds with 500. */
const BYTES: readonly string[] = [
  'A5Hnobody\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'GET / HTTP/9.9\r\n\r\n',
  'GET /\r\n\r\n',
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
const PARTS = [
  'texts/-1',
  'texts/99999999999999999999',
  'texts/1e3',
  'persons/%0a/memberships',
  'conferences/?name=%00',
]

/** Sends invalid requests, as HTTP and as raw bytes. */
export async function malformed(client: Client): Promise<void> {
  const { random } = client
  for (let left = random.integer(3, 8); left > 0; left--) {
    if (random.chance(0.4)) await sendBytes(client, random.pick(BYTES))
    else await client.request(invalidRequest(client))
    await client.pause(0, 100)
  }
}

/** A valid HTTP request that the gateway rejects. */
function invalidRequest({ random, server: { id } }: Client): CheckedRequest {
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
  const { observations } = client
  const connection = await client.connect()
  const pending = connection.request(Buffer.from(text, 'latin1')).catch((error: Error) => error)
  const response = await withDeadline(RESPONSE_MS, pending)
  const shown = JSON.stringify(text.slice(0, 60))
  if (response === 'late') observations.problem('no response', `${shown}: the connection stays open without a response`)
  else if (response instanceof Error) observations.problem('wrong response', `${shown}: ${response.message}`)
  else if (response !== undefined && response.status >= 500 && response.status !== 505) {
    observations.problem('wrong response', `${shown}: ${response.status}`)
  }
  connection.reset()
}
