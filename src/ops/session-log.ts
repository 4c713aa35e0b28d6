import type { Registry } from '../sessions/registry.ts'
import { handleOf } from '../store/record.ts'
import type { Logger } from './logger.ts'

/** Logs the opening and the end of each session. */
export function logSessions(registry: Registry, log: Logger): void {
  registry.on('opened', ({ key, serverId, lyskom }, requestId) => {
    const { sessionNo } = lyskom.connection
    log.info({ session: handleOf(key), server: serverId, sessionNo, requestId }, 'session opened')
  })
  registry.on('closed', ({ key, serverId }, reason, requestId) => {
    log.info({ session: handleOf(key), server: serverId, reason, requestId }, 'session closed')
  })
}

/** Returns the observer of a session store that logs the begin and the end of each outage. */
export function storeLog(log: Logger): (state: 'unavailable' | 'available', reason?: unknown) => void {
  return (state, reason) => {
    if (state === 'available') log.info('session store: available again')
    else log.error({ err: reason }, 'session store: failing; LysKOM sessions continue')
  }
}
