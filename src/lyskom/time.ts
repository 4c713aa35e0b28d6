import type { Time } from '../protocol/types.ts'

/** A time of the server, which the connection has asked to send in UTC, as ISO 8601: `2013-11-30T15:58:06Z`. */
export function isoTime({ year, month, day, hours, minutes, seconds }: Time): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${1900 + year}-${two(month + 1)}-${two(day)}T${two(hours)}:${two(minutes)}:${two(seconds)}Z`
}
