import PQueue from 'p-queue'

/** So many at once that nobody waits for it, and so few that they fit among the calls that may wait on a connection. */
const AT_ONCE = 256

/** Does something for each of the items, side by side; resolves with the results in the items' order. */
export function sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const queue = new PQueue({ concurrency: AT_ONCE })
  return queue.addAll(items.map((item) => () => work(item)))
}
