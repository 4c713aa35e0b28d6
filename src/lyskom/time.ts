import type { Time } from '../protocol/types.ts'

/** Converts a time of the server to milliseconds since 1970. */
export function epochTime({ year, month, day, hours, minutes, seconds }: Time): number {
  return Date.UTC(1900 + year, month, day, hours, minutes, seconds)
}
