/** One comparison of the benchmark. */
export interface Row {
  what: string
  /** what it is compared with, measured in the same run */
  against: string
  /** `what` divided by `against`; undefined where only the absolute figure is meant */
  ratio: number | undefined
  /** what the ratio (or the figure) should be */
  aim: string
  /** the absolute figures behind it */
  figures: string
}

const HEADINGS = { what: 'what', against: 'against', ratio: 'ratio', aim: 'aim', figures: 'figures' }
const COLUMNS = Object.keys(HEADINGS) as (keyof Row)[]

/** The rows as text, columns aligned. */
export function table(rows: readonly Row[]): string {
  const lines: Record<keyof Row, string>[] = [
    HEADINGS,
    ...rows.map((row) => ({ ...row, ratio: row.ratio === undefined ? '' : precise(row.ratio) })),
  ]
  const widths = COLUMNS.map((column) => Math.max(...lines.map((line) => line[column].length)))
  const text = lines.map((line) =>
    COLUMNS.map((column, i) =>
      column === 'ratio' ? line[column].padStart(widths[i] ?? 0) : line[column].padEnd(widths[i] ?? 0),
    )
      .join('  ')
      .trimEnd(),
  )
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  return `${text.join('\n')}\n`
}

/** A number for people: two decimals, or three digits when it is small. */
export function precise(value: number): string {
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en')
  return size >= 0.1 || size === 0 ? value.toFixed(size >= 100 ? 0 : 2) : value.toPrecision(2)
}
