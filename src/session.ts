/** The SXAPI session guard for Hono applications: `import { session } from 'komgate/session'`. */

export { type SessionEnv, type SessionGuard, type SessionOptions, session } from './compat/sxapi.ts'
export type { SessionConfig } from './compat/sxapi-config.ts'
export type { SessionResources } from './compat/sxapi-resources.ts'
export { type Session, SessionError, type SessionErrorReason } from './compat/sxapi-session.ts'
export { clientAddressBehind, type ForwardedHeader } from './http/input/client-address.ts'
export type { Data, JsonValue } from './store/record.ts'
