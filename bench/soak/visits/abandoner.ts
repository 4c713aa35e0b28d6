import type { Visit } from '../visit.ts'

/** Opens a session, perhaps uses it a little, and never comes back: nobody closes it but its lease. */
export async function abandoner(visit: Visit): Promise<void> {
  const { random } = visit
  const session = await visit.open()
  if (random.chance(0.3)) return
  await session.login(visit.person())
  if (random.chance(0.5)) await session.ask('PATCH', '/sessions/current/data', [200], { draft: 'never sent' })
  await session.isAlive()
}
