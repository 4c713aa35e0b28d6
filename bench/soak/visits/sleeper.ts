import { LEASE_MS } from '../times.ts'
import type { Visit } from '../visit.ts'

/** Stays idle for just under the idle timeout, which keeps the session, and then longer, which ends it. */
export async function sleeper(visit: Visit): Promise<void> {
  const { random, place, ledger } = visit
  const session = await visit.open()
  await session.login(visit.person())
  for (let naps = random.whole(0, 2); naps > 0; naps--) {
    await visit.pause(500, LEASE_MS.min * 0.7)
    if ((await session.isAlive()) || place.weather === 'rough') continue
    ledger.problem('untrue', 'a session has ended before its lease has run out')
    return
  }
  if (random.chance(0.3)) return session.end()
  await visit.pause(LEASE_MS.max, LEASE_MS.max + 500)
  if (await session.isAlive()) ledger.problem('untrue', `a session has outlived its lease (${place.id})`)
}
