const UNITS = ['B', 'kB', 'MB', 'GB']

/** Returns a number of bytes as people say it: `1.5 kB`. */
export function sizeText(bytes: number, language: string): string {
  let size = bytes
  let unit = 0
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000
    unit++
  }
  return `${size.toLocaleString(language, { maximumSignificantDigits: 3 })} ${UNITS[unit]}`
}
