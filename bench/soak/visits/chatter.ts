import { Talk } from '../talk.ts'
import { LEASE_MS } from '../times.ts'
import type { Visit } from '../visit.ts'

/** Calls of Protocol A, some of which fail. */
const CALLS = ['78 1', '78 65000', '90 1', '35', '56', '76 4Hsoak 1 1', '94', '9999', 'nonsense', '25 1 0 20']

/** A program on a WebSocket that pipelines requests, each of which gets one response. */
export async function chatter(visit: Visit): Promise<void> {
  const { random, place, ledger } = visit
  const session = await visit.open()
  await session.login(visit.person())
  const talk = await Talk.open(visit, session)
  for (let round = random.whole(1, 3); round > 0; round--) {
    const asking = Array.from({ length: random.whole(1, 40) }, () =>
      random.chance(0.2) ? talk.ask('echo', ['å', round]) : talk.ask('a', random.pick(CALLS)),
    )
    if (random.chance(0.1)) talk.vanish()
    const ends = await Promise.allSettled(asking)
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    await visit.pause(50, 500)
  }
  if (random.chance(0.2)) {
    // An open WebSocket keeps the session alive.
    await visit.pause(LEASE_MS.max, LEASE_MS.max + 500)
    await talk.ask('a', '35')
  }
  if (random.chance(0.3)) {
    await session.end()
    await talk.isClosed(1001)
    return
  }
  talk.close()
  if (!(await session.isAlive()) && place.weather === 'calm') {
    ledger.problem('untrue', 'a session has ended with its WebSocket')
    return
  }
  if (random.chance(0.7)) await session.end()
}
