import type { Visit } from '../visit.ts'

/**
 * Deletes a session while requests on it are pending. Each request gets a response, and the session is gone afterwards.
 */
export async function hasty(visit: Visit): Promise<void> {
  const { random, browser, ledger, place } = visit
  const session = await visit.open()
  const person = visit.person()
  await session.login(person)
  const paths = [
    '/sessions/current/who-am-i',
    '/server/info',
    `/persons/${person.pers_no}/memberships/unread/`,
    `/conferences/${place.conference}/texts/?no-of-texts=20`,
    '/conferences/?name=soak',
  ]
  const asking = Array.from({ length: random.whole(3, 12) }, () => session.ask('GET', random.pick(paths), [200, 403]))
  const line = await browser.line()
  await visit.pause(0, 10)
  // On its own connection, ahead of the queued requests.
  const deleting = session.asked('DELETE', '/sessions/0', [204, 403])
  const ends = await Promise.allSettled([
    ...asking,
    browser.exchange(line, deleting, (bytes) => void line.socket.write(bytes)),
  ])
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  if (await session.isAlive()) ledger.problem('untrue', `a session is alive after its deletion (${place.id})`)
}
