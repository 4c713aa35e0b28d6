import type { CallName } from '../protocol/calls/index.ts'
import { KomError } from '../protocol/errors.ts'

/** Told of the end of a call, and of the name or the code of the error with which it ended. */
type CallEnd = (error?: string) => void

/** Told of each call when it is made, in the context of whoever makes it. */
export type CallTracer = (call: CallName) => CallEnd | undefined

/** Tells of the end of a call, and returns with what it ended. */
export function told<T>(end: CallEnd, outcome: T): T {
  end(outcome instanceof Error ? labelOf(outcome) : undefined)
  return outcome
}

function labelOf(error: Error): string {
  return error instanceof KomError ? error.errorName : String((error as { code?: string }).code)
}
