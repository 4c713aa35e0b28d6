/** A range of local text numbers, both ends included. */
export interface LocalRange {
  first: number
  last: number
}

/** The local numbers that a person has read: ascending and disjoint ranges, as the server sends them. */
export type ReadRanges = readonly { firstRead: number; lastRead: number }[]

/**
 * Returns ranges of at most `size` local numbers that hold all unread ones from 1 to `highest`. Each range begins with an
 * unread number; read numbers may follow.
 *
 * @param highest the highest local number of the conference
 * @param max limit on the number of returned ranges, since `highest` comes from the server and may be any number
 */
export function unreadRanges(
  read: ReadRanges,
  highest: number,
  size: number,
  max = Number.POSITIVE_INFINITY,
): LocalRange[] {
  const ranges: LocalRange[] = []
  let next = 1
  const cover = (end: number): void => {
    while (next <= end && ranges.length < max) {
      const last = Math.min(highest, next + size - 1)
      ranges.push({ first: next, last })
      next = last + 1
    }
  }
  for (const { firstRead, lastRead } of read) {
    cover(Math.min(firstRead - 1, highest))
    next = Math.max(next, lastRead + 1)
  }
  cover(highest)
  return ranges
}

/** Returns whether a local number is in a read range. */
export function isRead(read: ReadRanges, localNo: number): boolean {
  let low = 0
  let high = read.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((read[middle]?.lastRead ?? 0) < localNo) low = middle + 1
    else high = middle
  }
  return (read[low]?.firstRead ?? Number.POSITIVE_INFINITY) <= localNo
}
