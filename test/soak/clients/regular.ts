import { header } from '../../support/http-connection.ts'
import { allSettled, type Client, jsonOf, type TextJson } from '../client.ts'
import type { Person } from '../server.ts'
import { ADMIN_KEY, IDLE_MS, RESPONSE_MS } from '../settings.ts'
import { WebSocketClient } from '../websocket-client.ts'
import { withDeadline } from '../with-deadline.ts'

/** Texts left unread; without a limit the lists would grow with the run. */
const LEFT_UNREAD = 30
/** A one-pixel image. */
const IMAGE = 'R0lGODlhAQABAAAAACw='
/** Calls of Protocol A, some of which fail. */
const CALLS = ['78 1', '78 65000', '90 1', '35', '56', '76 4Hsoak 1 1', '94', '9999', 'nonsense', '25 1 0 20']
const ADMIN_HEADERS = { Authorization: `Bearer ${ADMIN_KEY}` }

/** Behaves like a browser: reads unread texts, marks them, sometimes comments, and logs out. */
export async function reader(client: Client): Promise<void> {
  const { random, server, observations } = client
  const person = await client.openAndLogIn()
  const [me] = await Promise.all([
    client.get<{ person: Person | null }>('/sessions/current/who-am-i'),
    client.get('/server/info'),
    client.get(`/persons/${person.pers_no}/memberships/?unread=true`),
    client.get(`/conferences/${server.conference}?micro=false`),
  ])
  if (me.person?.pers_no !== person.pers_no) {
    observations.problem('wrong content', `a session belongs to another person (${server.id})`)
  }
  for (let round = random.integer(1, 3); round > 0; round--) {
    const unread = await client.get<{ list: { unread_texts: number[] }[] }>(
      `/persons/${person.pers_no}/memberships/unread/`,
    )
    const unreadTexts = unread.list.flatMap(({ unread_texts }) => unread_texts)
    const texts = random.sample(unreadTexts, 4)
    if (texts.length > 0) await client.send('POST', '/textstats', [200], { text_nos: texts })
    for (const textNo of texts) {
      await readText(client, textNo)
      await client.pause(20, 300)
    }
    await client.pause(100, 1000)
  }
  const left = { no_of_unread: LEFT_UNREAD }
  await client.send('POST', `/persons/current/memberships/${server.conference}/unread`, [204], left)
  if (random.chance(0.7)) await client.send('POST', '/sessions/current/logout', [204])
  await client.end()
}

async function readText(client: Client, textNo: number): Promise<void> {
  const { random, server } = client
  const path = `/texts/${textNo}`
  const response = await client.send('GET', path, [200])
  if (random.chance(0.3)) {
    // A comment added in the meantime changes the ETag.
    const headers = { 'If-None-Match': header(response, 'etag') ?? '' }
    await client.request({ ...client.onSession('GET', path, [200, 304]), headers })
  }
  if (random.chance(0.2)) await client.send('GET', `${path}/body`, [200])
  await client.send('PUT', `${path}/read-marking`, [201])
  if (random.chance(0.1)) {
    await client.send('PUT', `${path}/mark`, [201], { type: random.integer(1, 255) })
    await client.get('/texts/marks/')
    // The same person may be active in another client.
    await client.send('DELETE', `${path}/mark`, [204, 400])
  }
  const { subject } = jsonOf<TextJson>(response)
  if (random.chance(0.15) && !server.losesData) {
    await client.post(`Re ${subject}`.slice(0, 40), random.integer(1, 400), textNo)
  }
}

/** Posts short and long texts, reads them back and ends its session. */
export async function poster(client: Client): Promise<void> {
  const { random, server } = client
  await client.openAndLogIn()
  for (let left = random.integer(1, 4); left > 0; left--) {
    const subject = `soak ${random.integer(0, 2 ** 48).toString(36)}`
    const size = random.chance(0.2) ? random.integer(5_000, 50_000) : random.integer(0, 1500)
    const { crashes } = server
    const textNo = await client.post(subject, size)
    if (server.crashes === crashes) await client.checkText(textNo, subject, size)
    await client.pause(0, 400)
  }
  if (random.chance(0.3)) {
    const image = { body: IMAGE, content_type: 'image/gif', content_encoding: 'base64' }
    await client.posting(() => client.send('POST', '/texts/', [201], { ...client.newText('An image', 0), ...image }))
  }
  await client.end()
}

/** Pipelines requests on a WebSocket, each of which gets one response. */
export async function websocket(client: Client): Promise<void> {
  const { random } = client
  await client.openAndLogIn()
  const socket = await WebSocketClient.open(client)
  for (let round = random.integer(1, 3); round > 0; round--) {
    const pending = Array.from({ length: random.integer(1, 40) }, () =>
      random.chance(0.2) ? socket.request('echo', ['å', round]) : socket.request('a', random.pick(CALLS)),
    )
    if (random.chance(0.1)) socket.terminate()
    await allSettled(pending)
    await client.pause(50, 500)
  }
  if (random.chance(0.2)) {
    // An open WebSocket keeps the session alive.
    await client.pause(IDLE_MS.max, IDLE_MS.max + 500)
    await socket.request('a', '35')
  }
  if (random.chance(0.3)) {
    await client.end()
    await socket.checkClosed(1001)
    return
  }
  socket.close()
  if ((await client.checkAlive('its WebSocket was closed')) && random.chance(0.7)) await client.end()
}

/** Requests metrics and health. */
export async function monitor(client: Client): Promise<void> {
  for (const path of client.random.sample(['/', '/stats', '/metrics', '/live', '/ready'])) {
    await client.request({ method: client.random.pick(['GET', 'HEAD']), path, allow: [200] })
    await client.pause(10, 300)
  }
}

/** Lists sessions, traces one, and ends one that no check depends on. */
export async function operator(client: Client): Promise<void> {
  const { random } = client
  const response = await client.request({
    method: 'GET',
    path: '/admin/sessions',
    headers: ADMIN_HEADERS,
    allow: [200],
  })
  const { sessions } = jsonOf<{ sessions: { handle: string; server: string }[] }>(response)
  if (sessions.length === 0) return
  await trace(client, random.pick(sessions).handle)
  const others = sessions.filter(({ server }) => server !== 'stable')
  if (others.length === 0 || random.chance(0.5)) return
  const path = `/admin/sessions/${random.pick(others).handle}`
  await client.request({ method: 'DELETE', path, headers: ADMIN_HEADERS, allow: [204, 404] })
}

/** Reads a trace for a while or leaves it unread, and disconnects. */
async function trace(client: Client, handle: string): Promise<void> {
  const { random, observations } = client
  const { socket } = await client.connect()
  socket.removeAllListeners('data')
  const first = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))))
  const path = `/admin/sessions/${handle}/trace`
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${ADMIN_HEADERS.Authorization}\r\n\r\n`)
  const text = await withDeadline(RESPONSE_MS, first)
  const status = Number(text.slice(9, 12))
  // 404: the session has ended; 503: too many traces are open.
  if (![200, 404, 503].includes(status)) observations.problem('wrong response', `a trace: ${text.slice(0, 300)}`)
  if (random.chance(0.5)) socket.pause()
  else socket.resume()
  await client.pause(100, 3000)
  socket.resetAndDestroy()
}
