import type { CallName } from '../protocol/calls/index.ts'
import { KomError } from '../protocol/errors.ts'
import { KomgateError } from '../protocol/komgate-error.ts'

/** Called when a call ends, with the name or code of its error, or undefined if it succeeded. */
type CallEnd = (error?: string) => void

/**
 * Called for each call when it is made, in the async context of the caller. Returns a function to be called when the
 * call ends, or undefined.
 */
export type CallTracer = (call: CallName) => CallEnd | undefined

/**
 * Reports the end of a call.
 *
 * @param end the function that the `CallTracer` returned
 * @param outcome the reply, or the error of the call
 * @returns `outcome`
 */
export function reportEnd<T>(end: CallEnd, outcome: T): T {
  end(outcome instanceof Error ? labelOf(outcome) : undefined)
  return outcome
}

function labelOf(error: Error): string {
  if (error instanceof KomError) return error.errorName
  return error instanceof KomgateError ? error.code : 'internal-error'
}
