/** A run of local text numbers, both ends included. */
export interface LocalRange {
  first: number
  last: number
}

/**
 * The local numbers up to `highest` that are in none of the ranges, cut into runs of at most `size`.
 * @param read ascending and disjoint, as the server sends them
 * @param max stops after so many runs: the server may claim any number of texts
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
