import { setTimeout as sleep } from 'node:timers/promises'

/** What a promise brings, or `late` when it takes longer. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
  const over = new AbortController()
  try {
    return await Promise.race([promise, sleep(ms, 'late' as const, { signal: over.signal })])
  } finally {
    over.abort()
  }
}
