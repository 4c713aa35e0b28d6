const DAY_MS = 86_400_000

/** Returns a time as people say it: the time of day for today, the weekday of the last days, otherwise the date. */
export function shortTime(time: string, language: string, now = new Date()): string {
  const date = new Date(time)
  const format = (options: Intl.DateTimeFormatOptions): string => date.toLocaleString(language, options)
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  const age = now.getTime() - date.getTime()
  if (date.toDateString() === now.toDateString()) return format(clock)
  if (age > 0 && age < 6 * DAY_MS) return format({ weekday: 'long', ...clock })
  if (date.getFullYear() === now.getFullYear()) return format({ day: 'numeric', month: 'long', ...clock })
  return format({ day: 'numeric', month: 'long', year: 'numeric' })
}

/** Returns a time to the second, with its zone. */
export function exactTime(time: string, language: string): string {
  return new Date(time).toLocaleString(language, { dateStyle: 'full', timeStyle: 'long' })
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/** Returns how long ago something was, in the largest unit of which it is at least one: `3 hours ago`, `now`. */
export function timeAgo(seconds: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const [unit, length] = UNITS.find((each) => seconds >= each[1]) ?? ['second', Number.POSITIVE_INFINITY]
  return format.format(-Math.floor(seconds / length), unit)
}
