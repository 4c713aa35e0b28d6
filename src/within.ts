import { setTimeout } from 'node:timers/promises'

/**
 * Waits for `work`, at most for `ms`. Does not cancel `work`.
 * @param ms milliseconds
 * @param work undefined for no work
 * @param end ends the wait when it aborts
 * @throws the error of `work`
 */
export async function within(ms: number, work: Promise<void> | undefined, end?: AbortSignal): Promise<void> {
  const isDone = new AbortController()
  const signal = end === undefined ? isDone.signal : AbortSignal.any([isDone.signal, end])
  const timeout = setTimeout(ms, undefined, { signal }).catch(() => undefined)
  await Promise.race([work, timeout]).finally(() => isDone.abort())
}
