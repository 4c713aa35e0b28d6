/**
 * A range of local numbers that a member has read, both ends included. Lists of ranges are in ascending order, without
 * overlapping or adjacent ranges.
 */
export interface ReadRange {
  firstRead: number
  lastRead: number
}

/** Returns the ranges of all local numbers up to and including `last`. */
export function readTo(last: number): ReadRange[] {
  return last > 0 ? [{ firstRead: 1, lastRead: last }] : []
}

/** Sorts ranges and joins those that overlap or are adjacent. */
export function normalized(ranges: readonly ReadRange[]): ReadRange[] {
  const result: ReadRange[] = []
  for (const range of [...ranges].sort((a, b) => a.firstRead - b.firstRead)) {
    const last = result.at(-1)
    if (last !== undefined && range.firstRead <= last.lastRead + 1) {
      last.lastRead = Math.max(last.lastRead, range.lastRead)
    } else {
      result.push({ ...range })
    }
  }
  return result
}

/** Returns the ranges after the local numbers are read. */
export function withRead(ranges: readonly ReadRange[], localNos: readonly number[]): ReadRange[] {
  return normalized([...ranges, ...localNos.map((no) => ({ firstRead: no, lastRead: no }))])
}

/** Returns the number of distinct local numbers in `localNos` that are unread. */
export function countUnread(ranges: readonly ReadRange[], localNos: readonly number[]): number {
  const isRead = (no: number) => ranges.some(({ firstRead, lastRead }) => firstRead <= no && no <= lastRead)
  return new Set(localNos.filter((no) => !isRead(no))).size
}

/** Returns the ranges after a local number becomes unread. */
export function withoutRead(ranges: readonly ReadRange[], localNo: number): ReadRange[] {
  return ranges.flatMap(({ firstRead, lastRead }) => {
    if (localNo < firstRead || localNo > lastRead) return [{ firstRead, lastRead }]
    const parts = [
      { firstRead, lastRead: localNo - 1 },
      { firstRead: localNo + 1, lastRead },
    ]
    return parts.filter((part) => part.firstRead <= part.lastRead)
  })
}

/** Returns the lowest unread local number. */
export function firstUnread(ranges: readonly ReadRange[]): number {
  const first = ranges[0]
  return first?.firstRead === 1 ? first.lastRead + 1 : 1
}
