const FIRST_MS = 1000
const MAX_MS = 30_000

/**
 * Repeats an attempt until it succeeds, with growing pauses. A pause ends when the device is online again, and when the
 * person returns to the page.
 *
 * @param attempt resolves with whether it has succeeded
 */
export async function retryUntilDone(attempt: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (let pause = FIRST_MS; !signal.aborted; pause = Math.min(2 * pause, MAX_MS)) {
    await pauseOf(pause, signal)
    if (signal.aborted || (await attempt())) return
  }
}

function pauseOf(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = new AbortController()
    const done = (): void => {
      clearTimeout(timer)
      end.abort()
      resolve()
    }
    const timer = setTimeout(done, ms)
    const options = { signal: end.signal }
    addEventListener('online', done, options)
    signal.addEventListener('abort', done, options)
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && done(), options)
  })
}
