import type { Time } from '../protocol/types.ts'

/** Formats a time of the server in ISO 8601: `2013-11-30T15:58:06Z`. Times are in UTC, as the handshake requests. */
export function isoTime({ year, month, day, hours, minutes, seconds }: Time): string {
  return `${1900 + year}-${two(month + 1)}-${two(day)}T${two(hours)}:${two(minutes)}:${two(seconds)}Z`
}

/** Converts a time of the server to milliseconds since 1970. */
export function epochTime({ year, month, day, hours, minutes, seconds }: Time): number {
  return Date.UTC(1900 + year, month, day, hours, minutes, seconds)
}

function two(n: number): string {
  return n < 10 ? `0${n}` : `${n}`
}
