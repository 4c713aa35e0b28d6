/** One comparison of the benchmark. */
export interface Row {
  what: string
  /** the baseline, measured in the same run */
  against: string
  /** `what` divided by `against`; undefined if only the absolute figure matters */
  ratio: number | undefined
  /** target for the ratio or the figure */
  aim: string
  /** the absolute figures behind it */
  figures: string
}

const HEADINGS = { what: 'what', against: 'against', ratio: 'ratio', aim: 'aim', figures: 'figures' }
const COLUMNS = Object.keys(HEADINGS) as (keyof Row)[]

/** Formats rows with aligned columns. */
export function table(rows: readonly Row[]): string {
  const lines = [
    HEADINGS,
    ...rows.map((row) => ({ ...row, ratio: row.ratio === undefined ? '' : precise(row.ratio) })),
  ].map((line) => COLUMNS.map((column) => line[column]))
  return aligned(lines, COLUMNS.indexOf('ratio'))
}

/** Formats lines with aligned columns. The first line has the headings; column `right` is right-aligned. */
export function aligned(lines: readonly (readonly string[])[], right = -1): string {
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? []
  const text = lines.map((line) =>
    line
      .map((cell, i) => (i === right ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  return `${text.join('\n')}\n`
}

/** Formats a number with two decimals, or three digits if it is small. */
export function precise(value: number): string {
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en')
  return size >= 0.1 || size === 0 ? value.toFixed(size >= 100 ? 0 : 2) : value.toPrecision(2)
}
