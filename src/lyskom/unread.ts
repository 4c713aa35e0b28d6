/** A range of local text numbers, both ends included. */
export interface LocalRange {
  first: number
  last: number
}

/**
 * Returns the local numbers from 1 to `highest` that are in no read range, as ranges of at most `size` numbers.
 *
 * @param read the read ranges, in ascending order and disjoint, as the server sends them
 * @param highest the highest local number of the conference
 * @param size maximum size of a returned range
 * @param max limit on the number of returned ranges, since `highest` comes from the server and may be any number
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
