/** A range of local text numbers, both ends included. */
export interface LocalRange {
  first: number
  last: number
}

/**
 * Returns the local numbers from 1 to `highest` that are in no read range, as ranges of at most `size` numbers.
 *
 * @param read ascending and disjoint, as the server sends them
 * @param max limit on the number of ranges, since `highest` comes from the server and may be any number
 */
export function unreadRanges(
  read: readonly { firstRead: number; lastRead: number }[],
  highest: number,
  size: number,
  max = Number.POSITIVE_INFINITY,
): LocalRange[] {
  const unread: LocalRange[] = []
  let next = 1
  const cut = (end: number): void => {
    for (; next <= end && unread.length < max; next += size)
      unread.push({ first: next, last: Math.min(end, next + size - 1) })
  }
  for (const { firstRead, lastRead } of read) {
    cut(Math.min(firstRead - 1, highest))
    next = lastRead + 1
  }
  cut(highest)
  return unread
}
