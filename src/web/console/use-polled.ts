import { useEffect, useState } from 'preact/hooks'
import type { Gateway } from './gateway.ts'

/** The last value of something that is asked for again and again. */
export interface Polled<T> {
  /** undefined until the first response */
  value?: T
  /** why the last request failed */
  error?: unknown
  /** asks at once */
  refresh: () => void
}

/** How much longer than a request the pause after it is at least, so that long lists do not load the gateway. */
const PAUSE_RATIO = 10

/**
 * Asks the gateway for JSON at once and then in an interval, while the page is visible. After a failure the last value is
 * kept, and the requests continue.
 * @param path below the base URL
 * @param intervalMs shortest time from a response to the next request
 */
export function usePolled<T>(gateway: Gateway, path: string, intervalMs: number): Polled<T> {
  const [state, setState] = useState<{ value?: T; error?: unknown }>({})
  const [round, setRound] = useState(0)
  useEffect(() => {
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      clearTimeout(timer)
      if (document.visibilityState === 'hidden') return
      const start = performance.now()
      try {
        const value = await gateway.json<T>(path, { signal: abort.signal })
        if (!abort.signal.aborted) setState({ value })
      } catch (error) {
        if (!abort.signal.aborted) setState((last) => ({ ...last, error }))
      }
      const pauseMs = Math.max(intervalMs, PAUSE_RATIO * (performance.now() - start))
      if (!abort.signal.aborted) timer = setTimeout(() => void ask(), pauseMs)
    }
    const onVisible = (): void => void ask()
    document.addEventListener('visibilitychange', onVisible)
    void ask()
    return () => {
      abort.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [gateway, path, intervalMs, round])
  return { ...state, refresh: () => setRound(round + 1) }
}
