/** Above the in-flight window of a connection (20 calls), and below its limit on waiting calls (4096). */
const CONCURRENCY = 256

/**
 * Runs `work` for each item, with bounded concurrency. Starts no further item after the first error.
 * @param concurrency maximum number of items in progress at the same time; default: 256
 * @returns the results, in the order of the items
 * @throws the first error of `work`
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
