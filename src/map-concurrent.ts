/** More than the in-flight window of a connection (20 calls), and less than its limit on waiting calls (4096). */
const CONCURRENCY = 256

/**
 * Runs `work` for each item, at most `concurrency` at a time, and resolves with the results in the order of the items.
 * Rejects with the first error, and starts no further item after it.
 */
export async function mapConcurrent<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  concurrency = CONCURRENCY,
): Promise<R[]> {
  if (items.length <= concurrency) return await Promise.all(items.map(work))
  const results = new Array<R>(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++
      try {
        results[i] = await work(items[i] as T)
      } catch (error) {
        next = items.length
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return results
}
