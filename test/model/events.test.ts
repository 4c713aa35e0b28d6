import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../contract/backends.ts'
import { CutFollower } from '../support/cut-follower.ts'
import { repetitions } from '../support/repetitions.ts'
import { expectExact, expectWitnessed } from './exactness.ts'
import { onModelStage } from './stage.ts'
import { type Kind, type Plan, plans, WITHOUT_SHRINKING } from './steps.ts'
import { type ModelSession, SESSIONS } from './world.ts'

const FOLLOWERS_PER_SESSION = 2
const RUNS = repetitions(25, 4)
const MIN_KINDS = repetitions(20, 10)

describe.each(BACKENDS)('event streams on $name', ({ start }) => {
  const stage = onModelStage(() => start())
  const succeeded = new Set<Kind>()

  async function run({ groups, cuts }: Plan): Promise<void> {
    const { url } = stage.gateway
    const world = await stage.newWorld()
    const followers = cuts.map((plan, i) => {
      const session = world.sessions[i % SESSIONS] as ModelSession
      return { session, follower: new CutFollower({ url, server: 'kom', id: session.id, since: session.begin }, plan) }
    })
    try {
      for (const group of groups) await Promise.all(group.map((step) => world.perform(step)))
      await world.finish()
      for (const { session, follower } of followers) {
        const { id } = await world.lastEvent(session)
        await expect.poll(() => follower.events.at(-1)?.id, { interval: 5 }).toBe(id)
        expectExact(follower.events, session.socket.events, session.begin)
      }
      for (const { home, socket } of world.sessions) {
        if (socket.events.some(({ type }) => type === 'person')) continue
        expectWitnessed(socket.events, world.witness(home).messages, world.beginning)
      }
    } finally {
      for (const kind of world.succeeded) succeeded.add(kind)
      for (const { follower } of followers) await follower.stop()
      await world.close()
    }
  }

  it('are exact, wherever they are cut', async () => {
    const property = fc.asyncProperty(plans(SESSIONS, SESSIONS * FOLLOWERS_PER_SESSION), run)
    await fc.assert(property, { numRuns: RUNS, ...WITHOUT_SHRINKING })
    // Most kinds of requests must succeed, or the test would show little.
    expect(succeeded.size).toBeGreaterThan(MIN_KINDS)
  }, 120_000)
})
