import { language } from '../shared/preferences.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Returns a duration in its two largest units, in the language of the operator: `2 days 3 hr`. */
export function duration(seconds: number): string {
  if (seconds < MINUTE) return unit(seconds, 'second')
  if (seconds < HOUR) return unit(Math.floor(seconds / MINUTE), 'minute')
  if (seconds < DAY) return pair(seconds, HOUR, 'hour', MINUTE, 'minute')
  return pair(seconds, DAY, 'day', HOUR, 'hour')
}

function pair(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small)
  const first = unit(Math.floor(seconds / large), largeName)
  return rest === 0 ? first : `${first} ${unit(rest, smallName)}`
}

/** Formats by language and unit: making one for each value is slow. */
const formats = new Map<string, Intl.NumberFormat>()

function unit(value: number, name: string): string {
  const { value: locale } = language
  const key = `${locale} ${name}`
  const format =
    formats.get(key) ??
    new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: 0 })
  formats.set(key, format)
  return format.format(value)
}
