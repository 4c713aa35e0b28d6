import type { BoundName } from '../protocol/bounds.ts'
import type { CallName } from '../protocol/calls/index.ts'
import type { KomError, ProtocolErrorCode } from '../protocol/errors.ts'
import type { ConnectionErrorCode } from './errors.ts'

/** Why a call has no reply that its caller could be given. */
export type UnansweredCode = ConnectionErrorCode | ProtocolErrorCode

/**
 * Told of what happens on all the connections that share it. It is asked in the middle of every call, so it has to be
 * quick, and it must not throw.
 */
export interface ConnectionObserver {
  /** Bytes of a server, as they come, and bytes for one. */
  received(bytes: number): void
  sent(bytes: number): void
  /** An asynchronous message has come. */
  message(): void
  /** An asynchronous message was skipped, since it could not be read. */
  unreadableMessage(): void
  /** Something from a server exceeded a bound and was rejected. */
  boundHit(bound: BoundName): void
  /** @param ms since the call was made; @param error the server's, when it refused */
  answered(call: CallName, ms: number, error?: KomError['errorName']): void
  /** So many calls have got no reply. */
  unanswered(code: UnansweredCode, calls: number): void
}
