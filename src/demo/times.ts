import type { Time } from '../protocol/types.ts'

/** The beginning of time: what lyskomd shows instead of a time that never was or is not to be seen. */
export const EPOCH = new Date(0)

const DAY_MS = 86_400_000

export function toTime(date: Date, utc: boolean): Time {
  // Read through the UTC getters, local time is a date moved by its offset.
  const d = utc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  const year = d.getUTCFullYear()
  return {
    seconds: d.getUTCSeconds(),
    minutes: d.getUTCMinutes(),
    hours: d.getUTCHours(),
    day: d.getUTCDate(),
    month: d.getUTCMonth(),
    year: year - 1900,
    dayOfWeek: d.getUTCDay(),
    dayOfYear: Math.floor((d.getTime() - Date.UTC(year, 0, 1)) / DAY_MS),
    isDst: !utc && isDst(date),
  }
}

/** A time that a client sent, in the zone its connection has chosen. */
export function fromTime(time: Time, utc: boolean): Date {
  const fields = [time.year + 1900, time.month, time.day, time.hours, time.minutes, time.seconds] as const
  return utc ? new Date(Date.UTC(...fields)) : new Date(...fields)
}

function isDst(date: Date): boolean {
  const january = new Date(date.getFullYear(), 0, 1).getTimezoneOffset()
  const july = new Date(date.getFullYear(), 6, 1).getTimezoneOffset()
  return january !== july && date.getTimezoneOffset() === Math.min(january, july)
}

/** The difference of two times in seconds. lyskomd rounds idle times and the length of sessions to the nearest second. */
export function secondsBetween(from: Date, to: Date): number {
  return Math.round((to.getTime() - from.getTime()) / 1000)
}
