import { CALLS, type CallName } from '../protocol/calls/index.ts'
import type { KomError } from '../protocol/errors.ts'
import { messageName } from '../protocol/messages.ts'

/** What passed on a line: that it did, and nothing of what it says. */
export interface WireEvent {
  readonly direction: 'out' | 'in'
  readonly kind: 'call' | 'reply' | 'error' | 'message'
  /** of the call or the asynchronous message; `unknown` for a message that is not in the table */
  readonly name: string
  /** what ties a reply to its call */
  readonly refNo?: number
  /** of the whole line; left out of calls with a password, whose length it would tell */
  readonly bytes?: number
  /** from the moment when the call was made to its reply */
  readonly ms?: number
  readonly error?: KomError['errorName']
}

const PASSWORD = /p(?:ass)?wd$/i
const WITH_PASSWORD: ReadonlySet<string> = new Set(
  Object.entries(CALLS).flatMap(([name, { params }]) => {
    const { schema } = params
    return schema.kind === 'struct' && Object.keys(schema.fields).some((field) => PASSWORD.test(field)) ? [name] : []
  }),
)

export function wireCall(name: CallName, refNo: number, bytes: number): WireEvent {
  return { direction: 'out', kind: 'call', name, refNo, ...(!WITH_PASSWORD.has(name) && { bytes }) }
}

export function wireReply(name: CallName, refNo: number, bytes: number, ms: number, error?: KomError): WireEvent {
  const common = { direction: 'in', name, refNo, bytes, ms } as const
  return error === undefined ? { kind: 'reply', ...common } : { kind: 'error', ...common, error: error.errorName }
}

export function wireMessage(number: number, bytes: number): WireEvent {
  return { direction: 'in', kind: 'message', name: messageName(number) ?? 'unknown', bytes }
}
