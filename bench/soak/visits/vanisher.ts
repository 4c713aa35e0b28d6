import { type Asked, requestBytes } from '../browser.ts'
import { newText, OPENING } from '../session.ts'
import type { Visit } from '../visit.ts'

/** Disconnects in mid-request or mid-response. Its session, if any, remains usable. */
export async function vanisher(visit: Visit): Promise<void> {
  const { random, place } = visit
  if (random.chance(0.4)) {
    await vanish(visit, { method: 'POST', path: `/${place.id}/sessions/`, json: OPENING, allow: [] })
    return
  }
  const session = await visit.open()
  const person = visit.person()
  await session.login(person)
  for (let times = random.whole(1, 3); times > 0; times--) {
    const asked = random.pick<Asked>([
      session.asked('GET', `/persons/${person.pers_no}/memberships/unread/`, []),
      session.asked('GET', `/conferences/${place.conference}/texts/?no-of-texts=50`, []),
      session.asked(
        'POST',
        '/texts/',
        [],
        newText(place, 'soak, by a client that disconnected', random.whole(1, 20_000)),
      ),
    ])
    if (asked.path.endsWith('/texts/')) visit.ledger.isPosting(place.id)
    await vanish(visit, asked)
    if (!(await session.isAlive())) {
      if (place.weather === 'calm') visit.ledger.problem('untrue', 'a client that vanished took its session along')
      return
    }
  }
  // Otherwise the client leaves the session open.
  if (random.chance(0.5)) await session.end()
}

async function vanish(visit: Visit, asked: Asked): Promise<void> {
  const { browser, random, ledger } = visit
  const line = await browser.line()
  const bytes = requestBytes(asked)
  const isWhole = random.chance(0.5)
  if (isWhole) {
    ledger.asked++
    ledger.left++
  }
  // The response may arrive before the disconnect and is not read.
  line.socket.removeAllListeners('data')
  line.socket.write(bytes.subarray(0, isWhole ? bytes.length : random.whole(1, bytes.length - 1)))
  await visit.pause(0, random.chance(0.5) ? 3 : 60)
  if (random.chance(0.5)) line.reset()
  else line.socket.destroy()
}
