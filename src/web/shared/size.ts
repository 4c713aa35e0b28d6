const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const

/** Returns a size as people say it: `640 byte`, `12 kB`, `3.4 MB`. */
export function sizeText(bytes: number, language: string): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  const maximumFractionDigits = power > 0 && value < 10 ? 1 : 0
  return value.toLocaleString(language, { style: 'unit', unit: UNITS[power] as string, maximumFractionDigits })
}
