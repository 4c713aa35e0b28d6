import type { Time } from '../protocol/types.ts'

/** 1970-01-01. lyskomd returns it for times that are unset or hidden. */
export const EPOCH = new Date(0)

const DAY_MS = 86_400_000

/**
 * Converts a date to a Time of Protocol A.
 *
 * @param utc whether the result is in UTC; otherwise in the time zone of this process
 */
export function toTime(date: Date, utc: boolean): Time {
  // The UTC getters of a date shifted by its offset return local time.
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

/**
 * Converts a Time of Protocol A to a date.
 *
 * @param utc whether the time is in UTC; otherwise in the time zone of this process
 */
export function fromTime(time: Time, utc: boolean): Date {
  const fields = [time.year + 1900, time.month, time.day, time.hours, time.minutes, time.seconds] as const
  return utc ? new Date(Date.UTC(...fields)) : new Date(...fields)
}

function isDst(date: Date): boolean {
  const january = new Date(date.getFullYear(), 0, 1).getTimezoneOffset()
  const july = new Date(date.getFullYear(), 6, 1).getTimezoneOffset()
  return january !== july && date.getTimezoneOffset() === Math.min(january, july)
}

/** Returns the difference in seconds, rounded like lyskomd's idle times and session lengths. */
export function secondsBetween(from: Date, to: Date): number {
  return Math.round((to.getTime() - from.getTime()) / 1000)
}
