import { language } from '../shared/preferences.ts'

/** Returns milliseconds with three digits at most, in the language of the operator: `1.23 ms`, `140 ms`. */
export function milliseconds(ms: number): string {
  const digits = ms < 10 ? 2 : ms < 100 ? 1 : 0
  return `${ms.toLocaleString(language.value, { maximumFractionDigits: digits })} ms`
}
