import { useCallback, useEffect, useState } from 'preact/hooks'
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

/** Makes a request. @param last the last value, to which the response may add */
type Ask<T> = (signal: AbortSignal, last: T | undefined) => Promise<T>

/** How much longer than a request the pause after it is at least, so that long lists do not load the gateway. */
const PAUSE_RATIO = 10

/**
 * Asks for something at once and then in an interval, while the page is visible. After a failure the last value is kept, and
 * the requests continue.
 *
 * @param ask makes a request; another function asks anew
 * @param intervalMs shortest time from a response to the next request
 */
export function usePolled<T>(ask: Ask<T>, intervalMs: number): Polled<T> {
  const [state, setState] = useState<{ value?: T; error?: unknown }>({})
  const [round, setRound] = useState(0)
  useEffect(() => {
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let last: T | undefined
    const next = async (): Promise<void> => {
      clearTimeout(timer)
      if (document.visibilityState === 'hidden') return
      let pauseMs = intervalMs
      const start = performance.now()
      try {
        last = await ask(abort.signal, last)
        pauseMs = Math.max(intervalMs, PAUSE_RATIO * (performance.now() - start))
        if (!abort.signal.aborted) setState({ value: last })
      } catch (error) {
        if (!abort.signal.aborted) setState((before) => ({ ...before, error }))
      }
      if (!abort.signal.aborted) timer = setTimeout(() => void next(), pauseMs)
    }
    const onVisible = (): void => void next()
    document.addEventListener('visibilitychange', onVisible)
    void next()
    return () => {
      abort.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [ask, intervalMs, round])
  return { ...state, refresh: () => setRound(round + 1) }
}

/** Asks the gateway for JSON as `usePolled` does. @param path below the base URL */
export function usePolledJson<T>(gateway: Gateway, path: string, intervalMs: number): Polled<T> {
  const ask = useCallback((signal: AbortSignal) => gateway.json<T>(path, { signal }), [gateway, path])
  return usePolled(ask, intervalMs)
}
