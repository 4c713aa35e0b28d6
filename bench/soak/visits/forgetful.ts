import type { Visit } from '../visit.ts'

/** Tries wrong passwords, then logs in with the right one. May be delayed after failures. */
export async function forgetful(visit: Visit): Promise<void> {
  const { random, place, ledger } = visit
  const session = await visit.open()
  const { pers_no, passwd } = random.pick(place.forgetful)
  const path = '/sessions/current/login'
  for (let tries = random.whole(1, 3); tries > 0; tries--) {
    const wrong = random.pick(['', 'gazonk?', 'x'.repeat(8), `${passwd[0]}`])
    await session.ask('POST', path, [401, 429], { pers_no, passwd: wrong })
    const { person } = await session.get<{ person: unknown }>('/sessions/current/who-am-i')
    if (person !== null) ledger.problem('untrue', `a person is logged in with a wrong password (${place.id})`)
    await visit.pause(50, 500)
  }
  await session.ask('POST', path, [201, 429], { pers_no, passwd })
  await session.end()
}
