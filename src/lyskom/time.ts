import type { Time } from '../protocol/types.ts'

/** Formats a time of the server in ISO 8601: `2013-11-30T15:58:06Z`. It is in UTC, as the handshake requests. */
export function isoTime({ year, month, day, hours, minutes, seconds }: Time): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${1900 + year}-${two(month + 1)}-${two(day)}T${two(hours)}:${two(minutes)}:${two(seconds)}Z`
}
