import type { Branch } from './tree.ts'

/** Levels below the topmost text that are indented. Deeper texts are at the last one: there is no room for more. */
export const MAX_DEPTH = 8

/** A text of a thread in a list. */
export interface Row {
  branch: Branch
  /** levels below the topmost text, at most `MAX_DEPTH` */
  depth: number
  /** the nearest text above whose subject is known */
  above: Branch | undefined
}

/** Returns the texts of a thread in reading order. A thread may be deeper than the stack. */
export function rowsOf(tree: Branch): Row[] {
  const rows: Row[] = []
  const waiting: Row[] = [{ branch: tree, depth: 0, above: undefined }]
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    rows.push(row)
    const { branch, depth, above } = row
    const next = { depth: Math.min(depth + 1, MAX_DEPTH), above: branch.text === undefined ? above : branch }
    for (const child of [...branch.children].reverse()) waiting.push({ branch: child, ...next })
  }
  return rows
}

/**
 * Returns the rows around a text.
 * @param size the largest number of rows
 * @returns the rows, and how many are left out before and after them
 */
export function rowsAround(
  rows: readonly Row[],
  textNo: number,
  size: number,
): { shown: readonly Row[]; before: number; after: number } {
  const at = rows.findIndex(({ branch }) => branch.no === textNo)
  const before = Math.max(0, Math.min(at - Math.floor(size / 2), rows.length - size))
  const shown = rows.slice(before, before + size)
  return { shown, before, after: rows.length - before - shown.length }
}

/** A row with the rows below it. */
export interface Nested {
  row: Row
  children: readonly Nested[]
}

/** Returns rows as nested lists, at most `MAX_DEPTH` levels deep. Rows whose text above is left out begin at the first level. */
export function nested(rows: readonly Row[]): readonly Nested[] {
  const top: Nested[] = []
  /** The lists into which a row of each depth goes. */
  const lists: { depth: number; children: Nested[] }[] = []
  for (const row of rows) {
    while (lists.length > 0 && (lists.at(-1)?.depth ?? 0) >= row.depth) lists.pop()
    const children: Nested[] = []
    const list = lists.at(-1)?.children ?? top
    list.push({ row, children })
    lists.push({ depth: row.depth, children })
  }
  return top
}
