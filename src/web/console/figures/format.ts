import { language } from '../../shared/preferences.ts'
import { milliseconds } from '../milliseconds.ts'
import type { Chart } from './figures.ts'

/** Bytes of a megabyte. */
export const MB = 2 ** 20

/** Returns a value with its unit, `–` for none, in the language of the operator. */
export function formatted(value: number | null | undefined, unit: Chart['unit']): string {
  if (value === null || value === undefined) return '–'
  if (unit === 'ms') return milliseconds(value)
  const shown = unit === 'bytes' ? value / MB : value
  const digits = shown < 10 && unit !== 'count' ? 2 : shown < 100 && unit !== 'count' ? 1 : 0
  const number = shown.toLocaleString(language.value, { maximumFractionDigits: digits })
  return `${number}${{ count: '', perSecond: '/s', bytes: ' MB' }[unit]}`
}
