import { setTimeout as sleep } from 'node:timers/promises'
import { allSettled, type Client } from '../client.ts'
import { IDLE_MS, PONG_MS } from '../settings.ts'
import { WebSocketClient } from '../websocket-client.ts'

/** Uses its session just before the idle timeout, which keeps it, and then lets it expire. */
export async function idle(client: Client): Promise<void> {
  const { random } = client
  await client.openAndLogIn()
  for (let pauses = random.integer(0, 2); pauses > 0; pauses--) {
    await client.pause(500, IDLE_MS.min * 0.7)
    if (!(await client.checkAlive('less than its idle timeout'))) return
  }
  if (random.chance(0.3)) return client.end()
  await client.pause(IDLE_MS.max, IDLE_MS.max + 500)
  await client.checkGone('its idle timeout')
}

/** Opens a session, may use it briefly, and leaves it to the idle timeout. */
export async function abandoner(client: Client): Promise<void> {
  const { random } = client
  await client.open()
  if (random.chance(0.3)) return
  await client.login(random.pick(client.server.persons))
  if (random.chance(0.5)) await client.send('PATCH', '/sessions/current/data', [200], { draft: 'never sent' })
  await client.isAlive()
}

/** Deletes its session while requests are pending. Each gets a response, and the session is gone afterwards. */
export async function deleter(client: Client): Promise<void> {
  const { random, server } = client
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
  const connection = await client.connect()
  await client.pause(0, 10)
  // On its own connection, ahead of the queued requests.
  const deletion = client.requestOn(connection, client.onSession('DELETE', '/sessions/0', [204, 403]))
  await allSettled([...pending, deletion])
  await client.checkGone('its deletion')
}

/** Tries wrong passwords, then logs in with the right one. May be delayed after failures. */
export async function wrongPassword(client: Client): Promise<void> {
  const { random, server, observations } = client
  await client.open()
  const { pers_no, passwd } = random.pick(server.failingPersons)
  const path = '/sessions/current/login'
  for (let tries = random.integer(1, 3); tries > 0; tries--) {
    const wrong = random.pick(['', 'gazonk?', 'x'.repeat(8), `${passwd[0]}`])
    await client.send('POST', path, [401, 429], { pers_no, passwd: wrong })
    const { person } = await client.get<{ person: unknown }>('/sessions/current/who-am-i')
    if (person !== null) observations.problem('wrong content', `logged in with a wrong password (${server.id})`)
    await client.pause(50, 500)
  }
  await client.send('POST', path, [201, 429], { pers_no, passwd })
  await client.end()
}

/** Opens a WebSocket and freezes: no FIN, RST or ping replies. The gateway must end its session. */
export async function frozen(client: Client): Promise<void> {
  await client.openAndLogIn()
  const socket = await WebSocketClient.open(client)
  if (client.random.chance(0.5)) await socket.request('a', '35')
  socket.freeze()
  await sleep(PONG_MS + IDLE_MS.max)
  await client.checkGone('its WebSocket froze')
  socket.terminate()
}
