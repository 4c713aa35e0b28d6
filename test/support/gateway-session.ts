import { EventEmitter } from 'node:events'
import type { LyskomSession } from '../../src/lyskom/session.ts'
import { ChangeRelay } from '../../src/sessions/change-relay.ts'
import { GatewaySession, type SessionContext, type SessionEvents } from '../../src/sessions/gateway-session.ts'
import { LoginLimits } from '../../src/sessions/login-limits.ts'
import { keyOf } from '../../src/store/record.ts'

/** Creates a gateway session that no registry knows. Without a context it has no login limits. */
export function gatewaySession(
  lyskom: LyskomSession,
  context: Partial<SessionContext> = {},
  clientAddress = '192.0.2.1',
): GatewaySession {
  return new GatewaySession(
    { key: keyOf(`session ${lyskom.connection.sessionNo}`), serverId: 'kom', clientAddress, lyskom },
    {
      sessionIdleMs: 60_000,
      loginIdleMs: 60_000,
      logins: new LoginLimits({}),
      changes: new ChangeRelay(new Map()),
      events: new EventEmitter<SessionEvents>(),
      ...context,
    },
  )
}
