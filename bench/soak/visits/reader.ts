import type { Person } from '../place.ts'
import { jsonOf, type Session, type TextJson } from '../session.ts'
import type { Visit } from '../visit.ts'

/** Texts left unread; without a limit the lists would grow with the run. */
const LEFT_UNREAD = 30

/** A person at a browser who reads unread texts, marks them, sometimes comments, and logs out. */
export async function reader(visit: Visit): Promise<void> {
  const { random, place, ledger } = visit
  const session = await visit.open()
  const person = visit.person()
  await session.login(person)
  const [me] = await Promise.all([
    session.get<{ person: Person | null }>('/sessions/current/who-am-i'),
    session.get('/server/info'),
    session.get(`/persons/${person.pers_no}/memberships/?unread=true`),
    session.get(`/conferences/${place.conference}?micro=false`),
  ])
  if (me.person?.pers_no !== person.pers_no)
    ledger.problem('untrue', `a session belongs to another person (${place.id})`)
  for (let round = random.whole(1, 3); round > 0; round--) {
    const unread = await session.get<{ list: { unread_texts: number[] }[] }>(
      `/persons/${person.pers_no}/memberships/unread/`,
    )
    const texts = random.some(
      unread.list.flatMap(({ unread_texts }) => unread_texts),
      4,
    )
    if (texts.length > 0) await session.ask('POST', '/textstats', [200], { text_nos: texts })
    for (const textNo of texts) {
      await read(session, textNo)
      await visit.pause(20, 300)
    }
    await visit.pause(100, 1000)
  }
  const left = { no_of_unread: LEFT_UNREAD }
  await session.ask('POST', `/persons/current/memberships/${place.conference}/unread`, [204], left)
  if (random.chance(0.7)) await session.ask('POST', '/sessions/current/logout', [204])
  await session.end()
}

async function read(session: Session, textNo: number): Promise<void> {
  const { random, browser, place } = session.visit
  const answer = await session.ask('GET', `/texts/${textNo}`, [200])
  const { subject } = jsonOf(answer) as TextJson
  if (random.chance(0.3)) {
    // A comment added in the meantime changes the ETag.
    const headers = { 'If-None-Match': answer.headers.get('etag') ?? '' }
    await browser.ask({ ...session.asked('GET', `/texts/${textNo}`, [200, 304]), headers })
  }
  if (random.chance(0.2)) await session.ask('GET', `/texts/${textNo}/body`, [200])
  await session.ask('PUT', `/texts/${textNo}/read-marking`, [201])
  if (random.chance(0.1)) {
    await session.ask('PUT', `/texts/${textNo}/mark`, [201], { type: random.whole(1, 255) })
    await session.get('/texts/marks/')
    // The same person may be active in another visit.
    await session.ask('DELETE', `/texts/${textNo}/mark`, [204, 400])
  }
  if (random.chance(0.15) && !place.forgets)
    await session.post(`Re ${subject}`.slice(0, 40), random.whole(1, 400), textNo)
}
