import { type Gateway, GatewayError } from '../gateway.ts'
import type { Session } from './arrange.ts'

/** Requests at the same time. */
const CONCURRENCY = 4

/**
 * Ends sessions. Those that have ended meanwhile count as ended.
 * @throws GatewayError of the first request that failed; the requests after it are not made
 */
export async function endSessions(gateway: Gateway, sessions: readonly Session[]): Promise<void> {
  const left = [...sessions]
  const endNext = async (): Promise<void> => {
    for (let session = left.shift(); session !== undefined; session = left.shift()) {
      try {
        await gateway.send(`admin/sessions/${session.handle}`, { method: 'DELETE' })
      } catch (error) {
        if (error instanceof GatewayError && error.status === 404) continue
        left.length = 0
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, endNext))
}
