import { setTimeout as sleep } from 'node:timers/promises'
import { Talk } from '../talk.ts'
import { LEASE_MS, SIGN_OF_LIFE_MS } from '../times.ts'
import type { Visit } from '../visit.ts'

/** Opens a WebSocket and stops without FIN, RST or ping replies. The gateway must end its session. */
export async function ghost(visit: Visit): Promise<void> {
  const { random, ledger, place } = visit
  const session = await visit.open()
  await session.login(visit.person())
  const talk = await Talk.open(visit, session)
  if (random.chance(0.5)) await talk.ask('a', '35')
  talk.freeze()
  await sleep(SIGN_OF_LIFE_MS + LEASE_MS.max)
  if (await session.isAlive()) ledger.problem('untrue', `a session lives on for a WebSocket that is dead (${place.id})`)
  talk.vanish()
}
