import { setTimeout as sleep } from 'node:timers/promises'
import { requestBytes } from '../../support/http-connection.ts'
import { type Client, jsonOf, OPEN_SESSION } from '../client.ts'
import type { CheckedRequest } from '../http-client.ts'
import { INCOMPLETE_MS, MARGIN_MS, RESPONSE_MS, STALL_MS } from '../settings.ts'
import { withDeadline } from '../with-deadline.ts'

/** Disconnects in the middle of a request or response. Its session, if any, remains usable. */
export async function aborter(client: Client): Promise<void> {
  const { random, server, observations } = client
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
}

async function abort(client: Client, request: CheckedRequest): Promise<void> {
  const { random, observations } = client
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

/** Sends requests one byte at a time, and sometimes gives up. */
export async function slowSender(client: Client): Promise<void> {
  const { random, server, observations } = client
  await client.open()
  const connection = await client.connect()
  const { socket } = connection
  const byByte = async (bytes: Buffer): Promise<void> => {
    const slowly = random.integer(60, 150)
    socket.write(bytes.subarray(0, -slowly))
    for (const byte of bytes.subarray(-slowly)) {
      socket.write(Buffer.from([byte]))
      await sleep(random.integer(1, 20))
    }
  }
  const login = client.onSession('POST', '/sessions/current/login', [201], random.pick(server.persons))
  await client.requestOn(connection, login, byByte)
  if (random.chance(0.3)) {
    const head = `POST /${server.id}/texts/ HTTP/1.1\r\nHost: x\r\nHttpkom-Connection: ${client.id}`
    socket.write(`${head}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"subject": "half a`)
    await client.pause(0, 500)
    connection.reset()
    return
  }
  const subject = `soak, byte by byte ${random.integer(0, 2 ** 48).toString(36)}`
  const posting = client.onSession('POST', '/texts/', [201], client.newText(subject, 30))
  const response = await client.posting(() => client.requestOn(connection, posting, byByte))
  const { text_no: textNo } = jsonOf<{ text_no: number }>(response)
  observations.posted.push({ serverId: server.id, textNo, subject, size: 30 })
  await client.end()
}

/** Requests megabytes without reading them: the gateway closes the connection and keeps the session. */
export async function slowReader(client: Client): Promise<void> {
  const { random, observations } = client
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
    if ((await withDeadline(MARGIN_MS, closed)) === 'late') {
      observations.problem('wrong content', 'the connection of a client that does not read stays open')
    }
  }
  socket.resetAndDestroy()
  await client.end()
}

/** Sends half a request and stays connected: the gateway closes the connection. */
export async function halfRequest(client: Client): Promise<void> {
  const { random, observations, server } = client
  const connection = await client.connect()
  const half = random.pick([
    '',
    'GET / HT',
    'GET /stats HTTP/1.1\r\nHost: x\r\nX-Half',
    `POST /${server.id}/sessions/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"clie`,
  ])
  const shown = `half a request, ${JSON.stringify(half)}`
  const response = await withDeadline(INCOMPLETE_MS, connection.request(Buffer.from(half)))
  if (response === 'late') observations.problem('wrong content', `no timeout of ${shown}`)
  else if (response !== undefined && response.status !== 408) {
    observations.problem('wrong response', `${response.status} to ${shown}`)
  }
  const closed = new Promise<'closed'>((resolve) => connection.socket.once('close', () => resolve('closed')))
  if (!connection.socket.destroyed && (await withDeadline(RESPONSE_MS, closed)) === 'late') {
    observations.problem('wrong content', `the connection stays open after ${shown}`)
  }
}
