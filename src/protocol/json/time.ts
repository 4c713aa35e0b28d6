import type { Time } from '../types.ts'
import { invalid } from './invalid-field-error.ts'

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
const DAY_MS = 24 * 60 * 60 * 1000
const FIRST_YEAR = 1900

/** Length of a time in JSON, in characters. */
export const TIME_SIZE = 22

/** Formats a time of the server in ISO 8601: `2013-11-30T15:58:06Z`. Times are in UTC, as the handshake requests. */
export function isoTime({ year, month, day, hours, minutes, seconds }: Time): string {
  return `${FIRST_YEAR + year}-${two(month + 1)}-${two(day)}T${two(hours)}:${two(minutes)}:${two(seconds)}Z`
}

/**
 * Parses a time in ISO 8601, in UTC and to the second, from the year 1900 on.
 *
 * @throws InvalidFieldError for other formats and for dates that do not exist
 */
export function timeOf(json: unknown): Time {
  const date = typeof json === 'string' && ISO_TIME.test(json) ? new Date(json) : new Date(Number.NaN)
  const year = date.getUTCFullYear()
  // Date turns the 30th of February into a day of March.
  if (!(year >= FIRST_YEAR) || date.toISOString().slice(0, 19) !== (json as string).slice(0, 19)) {
    throw invalid('must be a time in UTC to the second, 2026-01-07T09:45:00Z for example.')
  }
  return {
    seconds: date.getUTCSeconds(),
    minutes: date.getUTCMinutes(),
    hours: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth(),
    year: year - FIRST_YEAR,
    dayOfWeek: date.getUTCDay(),
    dayOfYear: Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / DAY_MS),
    isDst: false,
  }
}

function two(n: number): string {
  return n < 10 ? `0${n}` : `${n}`
}
