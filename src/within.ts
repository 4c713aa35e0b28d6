import { setTimeout } from 'node:timers/promises'

/**
 * Waits for `work`, at most for `ms`. Does not cancel `work`.
 * @param ms milliseconds
 * @param work undefined for no work
 * @throws the error of `work`
 */
export async function within(ms: number, work: Promise<void> | undefined): Promise<void> {
  const isDone = new AbortController()
  const timeout = setTimeout(ms, undefined, { signal: isDone.signal }).catch(() => undefined)
  await Promise.race([work, timeout]).finally(() => isDone.abort())
}
