/** Enough that few operations wait for it, and few enough to fit among the 4,096 calls that may wait on a connection. */
const CONCURRENCY = 256

/** Runs an operation for each item, 256 at a time; resolves with the results in the order of the items. */
export async function mapConcurrent<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  if (items.length <= CONCURRENCY) return await Promise.all(items.map((item) => work(item)))
  const results: R[] = []
  const rest = items.entries()
  const run = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, run))
  return results
}
