import { z } from 'zod'
import { MAX_CONF_NO, MAX_TEXT_NO } from '../../lyskom/numbers.ts'
import { digitsUpTo } from '../../protocol/json/digits.ts'

/** Returns a schema for a whole number from `min`, by default 0, to `max` in a path or a query. */
export function numberParameter(max: number, min = 0) {
  const error = messageOf(max, min)
  return z
    .string()
    .regex(digitsUpTo(max), { error })
    .transform(Number)
    .pipe(within(min, max, error))
}

/** Returns a schema for a whole number from 0 to `max` in a body: a JSON number, or a string of digits. */
export function wholeNumber(max: number) {
  const error = messageOf(max, 0)
  return z.union([within(0, max, error), numberParameter(max)], { error })
}

function within(min: number, max: number, error: string) {
  return z.int({ error }).min(min, { error }).max(max, { error })
}

function messageOf(max: number, min: number): string {
  return `must be a whole number from ${min} to ${max}.`
}

/** Schema of a conference number in a body. */
export const confNo = wholeNumber(MAX_CONF_NO)
/** Schema of a text number in a body. */
export const textNo = wholeNumber(MAX_TEXT_NO)
/** Schema of a conference number in a path or a query. */
export const confNoParameter = numberParameter(MAX_CONF_NO)
/** Schema of a text number in a path or a query. */
export const textNoParameter = numberParameter(MAX_TEXT_NO)
