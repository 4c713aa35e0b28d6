import { setTimeout } from 'node:timers/promises'

/** Resolves with `work`, or after `ms` without it. Rejects as `work` does. */
export async function within(ms: number, work: Promise<void> | undefined): Promise<void> {
  const isDone = new AbortController()
  await Promise.race([work, setTimeout(ms, undefined, { signal: isDone.signal })]).finally(() => isDone.abort())
}
