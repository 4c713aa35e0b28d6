import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves with the result of `promise`, or with `late` after `ms` milliseconds. */
export async function withDeadline<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
  const done = new AbortController()
  try {
    return await Promise.race([promise, sleep(ms, 'late' as const, { signal: done.signal })])
  } finally {
    done.abort()
  }
}
