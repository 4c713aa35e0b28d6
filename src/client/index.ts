/** A typed client of the HTTP API for browsers and Node: `import { connect } from 'komgate/client'`. See docs/client.md. */
export type { Bytes, Call, CallParams, CallReply } from './calls.ts'
export { type ConnectOptions, connect } from './connect.ts'
export {
  KomgateError,
  LimitError,
  LyskomError,
  type LyskomErrorName,
  NotLoggedInError,
  RequestError,
  SessionLostError,
  UnavailableError,
} from './errors.ts'
export type { EventOptions } from './event-stream.ts'
export type { KomEvent, KomEventType } from './event-types.ts'
export type { Kom } from './kom.ts'
export type { Live, LiveOptions } from './live.ts'
export type { LiveState } from './live-state.ts'
export { type Path, path, withQuery } from './path.ts'
export { type RequestOptions, ref } from './request.ts'
export type * from './types.ts'
