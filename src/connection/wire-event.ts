import { CALLS, type CallName } from '../protocol/calls/index.ts'
import type { KomError } from '../protocol/errors.ts'
import { messageName } from '../protocol/messages.ts'

/** Metadata of a message that was sent or received, without its contents. */
export interface WireEvent {
  readonly direction: 'out' | 'in'
  readonly kind: 'call' | 'reply' | 'error' | 'message'
  /** name of the call or the asynchronous message; `unknown` for a message that is not in `MESSAGES` */
  readonly name: string
  /** reference number, which a call and its reply have in common */
  readonly refNo?: number
  /** size of the message; omitted for calls with a password, because it would reveal the length of the password */
  readonly bytes?: number
  /** time from the call to its reply, in milliseconds */
  readonly ms?: number
  /** name of the server's error */
  readonly error?: KomError['errorName']
}

/** Matches the names of parameters that are passwords. */
const PASSWORD = /p(?:ass)?wd$/i
const WITH_PASSWORD: ReadonlySet<string> = new Set(
  Object.entries(CALLS).flatMap(([name, { params }]) => {
    const { schema } = params
    return schema.kind === 'struct' && Object.keys(schema.fields).some((field) => PASSWORD.test(field)) ? [name] : []
  }),
)

/**
 * Describes a call that was sent.
 *
 * @param bytes size of the request
 */
export function wireCall(name: CallName, refNo: number, bytes: number): WireEvent {
  return { direction: 'out', kind: 'call', name, refNo, ...(!WITH_PASSWORD.has(name) && { bytes }) }
}

/**
 * Describes a reply or an error reply that was received.
 *
 * @param bytes size of the message
 * @param ms time from the call to the reply, in milliseconds
 * @param error the error of an error reply
 */
export function wireReply(name: CallName, refNo: number, bytes: number, ms: number, error?: KomError): WireEvent {
  const common = { direction: 'in', name, refNo, bytes, ms } as const
  return error === undefined ? { kind: 'reply', ...common } : { kind: 'error', ...common, error: error.errorName }
}

/**
 * Describes an asynchronous message that was received.
 *
 * @param number message number
 * @param bytes size of the message
 */
export function wireMessage(number: number, bytes: number): WireEvent {
  return { direction: 'in', kind: 'message', name: messageName(number) ?? 'unknown', bytes }
}
