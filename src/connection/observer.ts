import type { BoundName } from '../protocol/bounds.ts'
import type { CallName } from '../protocol/calls/index.ts'
import type { KomError, ProtocolErrorCode } from '../protocol/errors.ts'
import type { ConnectionErrorCode } from './errors.ts'

/** Why a call failed without an error reply of the server. */
export type UnansweredCode = ConnectionErrorCode | ProtocolErrorCode

/**
 * Receives the events of all connections that share it, for metrics. Its methods run within every call, so they must be
 * fast and must not throw.
 */
export interface ConnectionObserver {
  /** Bytes were received from a server. */
  received(bytes: number): void
  /** Bytes were sent to a server. */
  sent(bytes: number): void
  /** An asynchronous message was received. */
  message(): void
  /** An asynchronous message was skipped because it could not be read. */
  unreadableMessage(): void
  /** Data of a server was rejected because it exceeds a bound. */
  boundHit(bound: BoundName): void
  /**
   * A reply or an error reply was received.
   *
   * @param ms time since the call was made, in milliseconds
   * @param error name of the server's error
   */
  answered(call: CallName, ms: number, error?: KomError['errorName']): void
  /** `calls` calls failed without a reply. */
  unanswered(code: UnansweredCode, calls: number): void
}
