/** SXAPI's session guard for any Hono application: `import { session } from 'komgate/session'`. */
export { clientAddressBehind, type ForwardedHeader } from './http/client-address.ts'
export { type SessionEnv, type SessionGuard, type SessionOptions, session } from './http/faces/sxapi.ts'
export type { SessionConfig } from './http/faces/sxapi-config.ts'
export type { SessionResources } from './http/faces/sxapi-resources.ts'
export { type Session, SessionError, type SessionErrorReason } from './http/faces/sxapi-session.ts'
export type { Data, JsonValue } from './sessions/store/record.ts'
