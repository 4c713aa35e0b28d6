import type { Visit } from '../visit.ts'

/** Opens a session, may use it briefly, and leaves it to the idle timeout. */
export async function abandoner(visit: Visit): Promise<void> {
  const { random } = visit
  const session = await visit.open()
  if (random.chance(0.3)) return
  await session.login(visit.person())
  if (random.chance(0.5)) await session.ask('PATCH', '/sessions/current/data', [200], { draft: 'never sent' })
  await session.isAlive()
}
