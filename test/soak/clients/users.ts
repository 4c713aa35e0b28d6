import { setTimeout as sleep } from 'node:timers/promises'
import { header } from '../../support/http-connection.ts'
import { allSettled, type Client, jsonOf, type Kinds, type TextJson } from '../client.ts'
import { ADMIN_KEY, IDLE_MS, MARGIN_MS, PONG_MS, RESPONSE_MS } from '../settings.ts'
import { Streams } from '../streams.ts'
import { WebSocketClient } from '../websocket-client.ts'
import { withDeadline } from '../with-deadline.ts'

/** Texts left unread; without a limit the lists would grow with the run. */
const LEFT_UNREAD = 30
/** A one-pixel image. */
const IMAGE = { body: 'R0lGODlhAQABAAAAACw=', content_type: 'image/gif', content_encoding: 'base64' }
/** The call of Protocol A that returns the number of the session. */
const WHO_AM_I = '56'
/** Calls of Protocol A, some of which fail. */
const CALLS = ['78 1', '78 65000', '90 1', '35', WHO_AM_I, '76 4Hsoak 1 1', '94', '9999', 'nonsense', '25 1 0 20']
const ADMIN_HEADERS = { Authorization: `Bearer ${ADMIN_KEY}` }

/** Clients that send valid requests only. */
export const USERS = {
  /** Behaves like a browser: reads unread texts, marks them, sometimes comments, and logs out. */
  async reader(client, { random, server }) {
    const person = await client.openAndLogIn()
    client.identity.tag = `${random.integer(0, 2 ** 48)}`
    await client.send('PATCH', '/sessions/current/data', [200], { tag: client.identity.tag })
    await Promise.all([
      client.get('/sessions/current/who-am-i'),
      client.get('/sessions/current/data'),
      client.get('/sessions/mine'),
      client.get('/server/info'),
      client.get(`/persons/${person.pers_no}/memberships/?unread=true`),
      client.get(`/conferences/${server.conference}?micro=false`),
    ])
    for (let round = random.integer(1, 3); round > 0; round--) {
      const path = `/persons/${person.pers_no}/memberships/unread/`
      const { list } = await client.get<{ list: { unread_texts: number[] }[] }>(path)
      const texts = random.sample(
        list.flatMap(({ unread_texts }) => unread_texts),
        4,
      )
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
  },
  /** Posts short and long texts, reads them back and ends its session. */
  async poster(client, { random, server }) {
    await client.openAndLogIn()
    for (let left = random.integer(1, 4); left > 0; left--) {
      const subject = `soak ${random.integer(0, 2 ** 48).toString(36)}`
      const size = random.chance(0.2) ? random.integer(5_000, 50_000) : random.integer(0, 1500)
      const { crashes } = server
      const textNo = await client.post(subject, size)
      if (server.crashes === crashes) await client.checkText(textNo, subject, size, client.identity.person)
      await client.pause(0, 400)
    }
    if (random.chance(0.3)) await client.create({ ...client.newText('An image', 0), ...IMAGE })
    await client.end()
  },
  /** Pipelines requests on a WebSocket, each of which gets one response. */
  async websocket(client, { random }) {
    await client.openAndLogIn()
    const socket = await WebSocketClient.open(client)
    for (let round = random.integer(1, 3); round > 0; round--) {
      const pending = Array.from({ length: random.integer(1, 40) }, async (_, i) => {
        if (random.chance(0.2)) return await socket.echo(`å ${client.id?.slice(0, 3)} ${round} ${i}`)
        const call = random.pick(CALLS)
        return await (call === WHO_AM_I ? socket.whoAmI() : socket.request('a', call))
      })
      if (random.chance(0.1)) socket.reset()
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
  },
  /** Requests metrics and health. */
  async monitor(client, { random }) {
    for (const path of random.sample(['/', '/stats', '/metrics', '/live', '/ready'])) {
      await client.request({ method: random.pick(['GET', 'HEAD']), path, allow: [200] })
      await client.pause(10, 300)
    }
  },
  /** Lists sessions, traces one, and ends one that no check depends on. */
  async operator(client, { random }) {
    const path = '/admin/sessions'
    const response = await client.request({ method: 'GET', path, headers: ADMIN_HEADERS, allow: [200] })
    const { sessions } = jsonOf<{ sessions: { handle: string; server: string }[] }>(response)
    if (sessions.length === 0) return
    await trace(client, random.pick(sessions).handle)
    const others = sessions.filter(({ server }) => server !== 'stable')
    if (others.length === 0 || random.chance(0.5)) return
    const ended = `${path}/${random.pick(others).handle}`
    await client.request({ method: 'DELETE', path: ended, headers: ADMIN_HEADERS, allow: [204, 404] })
  },
  /** Uses its session just before the idle timeout, which keeps it, and then lets it expire. */
  async idle(client, { random }) {
    await client.openAndLogIn()
    for (let pauses = random.integer(0, 2); pauses > 0; pauses--) {
      await client.pause(500, IDLE_MS.min - MARGIN_MS)
      if (!(await client.checkAlive('less than its idle timeout'))) return
    }
    if (random.chance(0.3)) return client.end()
    await client.pause(IDLE_MS.max, IDLE_MS.max + 500)
    await client.checkGone('its idle timeout')
  },
  /** Opens a session, may use it briefly, and leaves it to the idle timeout. */
  async abandoner(client, { random, server }) {
    const person = random.pick(server.persons)
    await client.open(person)
    if (random.chance(0.3)) return
    await client.login(person)
    if (random.chance(0.5)) await client.send('PATCH', '/sessions/current/data', [200], { draft: 'never sent' })
    await client.isAlive()
  },
  /** Deletes its session while requests are pending. Each gets a response, and the session is gone afterwards. */
  async deleter(client, { random, server }) {
    const { pers_no } = await client.openAndLogIn()
    const paths = [
      '/sessions/current/who-am-i',
      '/server/info',
      `/persons/${pers_no}/memberships/unread/`,
      `/conferences/${server.conference}/texts/?no-of-texts=20`,
      '/conferences/?name=soak',
    ]
    const pending = Array.from({ length: random.integer(3, 12) }, () =>
      client.send('GET', random.pick(paths), [200, 403]),
    )
    // Each is checked when all are answered.
    for (const each of pending) each.catch(() => undefined)
    const connection = await client.connect()
    await client.pause(0, 10)
    // On its own connection, ahead of the queued requests.
    const deletion = client.requestOn(connection, client.onSession('DELETE', '/sessions/0', [204, 403]))
    await allSettled([...pending, deletion])
    await client.checkGone('its deletion')
  },
  /** Tries wrong passwords, then logs in with the right one. May be delayed after failures. */
  async 'wrong password'(client, { random, server }) {
    await client.open()
    const { pers_no, passwd } = random.pick(server.failingPersons)
    const path = '/sessions/current/login'
    for (let tries = random.integer(1, 3); tries > 0; tries--) {
      const wrong = random.pick(['', 'gazonk?', 'x'.repeat(8), `${passwd[0]}`])
      await client.send('POST', path, [401, 429], { pers_no, passwd: wrong })
      // It is compared with the state of the session: no person is logged in.
      await client.get('/sessions/current/who-am-i')
      await client.pause(50, 500)
    }
    await client.send('POST', path, [201, 429], { pers_no, passwd })
    await client.end()
  },
  /** Opens a WebSocket and freezes: no FIN, RST or ping replies. The gateway must end its session. */
  async frozen(client, { random }) {
    await client.openAndLogIn()
    const socket = await WebSocketClient.open(client)
    if (random.chance(0.5)) await socket.request('a', '35')
    socket.freeze()
    await sleep(PONG_MS + IDLE_MS.max)
    await client.checkGone('its WebSocket froze')
    socket.reset()
  },
  /** Follows the events of its session on streams and WebSockets that are cut at random, and sends itself messages. */
  async follower(client, { random }) {
    const person = await client.openAndLogIn()
    const streams = await Streams.open(client)
    try {
      for (let left = random.integer(5, 40); left > 0; left--) {
        await streams.send(person.pers_no)
        await client.pause(0, 300)
      }
      await streams.checkAll()
      // The streams end with the session, or before.
      if (random.chance(0.5)) await client.end()
    } finally {
      await streams.close()
    }
  },
} satisfies Kinds

async function readText(client: Client, textNo: number): Promise<void> {
  const { random, server } = client.options
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

/** Reads a trace for a while or leaves it unread, and disconnects. */
async function trace(client: Client, handle: string): Promise<void> {
  const { random, observations } = client.options
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
