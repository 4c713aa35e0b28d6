/** Schemas of numbers, flags and times. */
import { z } from 'zod'
import { MAX_CONF_NO, MAX_SESSION_NO, MAX_TEXT_NO } from '../../../lyskom/numbers.ts'
import { MAX_INT32 } from '../../../protocol/codec.ts'

/** Returns the schema of a whole number from 0 to `max`. */
function upTo(max: number) {
  return z.int().min(0).max(max)
}

/** INT8 of Protocol A. */
export const int8 = upTo(2 ** 8 - 1)
/** INT16 of Protocol A. */
export const int16 = upTo(2 ** 16 - 1)
/** INT32 of Protocol A. */
export const int32 = upTo(MAX_INT32)
/** A number that the gateway counts. */
export const count = z.int().min(0)
/** The number of a conference or a person. */
export const confNo = upTo(MAX_CONF_NO)
/** The number of a text, in the whole server or in a conference. */
export const textNo = upTo(MAX_TEXT_NO)
/** The number of a session of the LysKOM server. */
export const sessionNo = upTo(MAX_SESSION_NO)
/** A boolean value of the LysKOM server. */
export const flag = z.literal([0, 1])

export type Time = z.output<typeof Time>
export const Time = z
  .string()
  .regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/)
  .meta({
    id: 'Time',
    format: 'date-time',
    description: 'A time in ISO 8601, in UTC and to the second.',
    examples: ['2026-11-27T08:00:00Z'],
  })
