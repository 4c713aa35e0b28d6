const MINUTE_S = 60
const HOUR_S = 60 * MINUTE_S
const DAY_S = 24 * HOUR_S

/** Returns how long a person has been idle, as people say it: `5 minutes`. Undefined for less than a minute. */
export function idleTime(seconds: number, language: string): string | undefined {
  if (seconds < MINUTE_S) return undefined
  const [unit, length] =
    seconds < HOUR_S
      ? (['minute', MINUTE_S] as const)
      : seconds < DAY_S
        ? (['hour', HOUR_S] as const)
        : (['day', DAY_S] as const)
  const format = new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' })
  return format.format(Math.floor(seconds / length))
}
