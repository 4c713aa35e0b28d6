import { useEffect, useRef, useState } from 'preact/hooks'

/** The result of a request: neither a value nor an error while it is not there. */
export interface Result<T> {
  value?: T
  error?: unknown
  /** makes the request again */
  retry: () => void
}

/**
 * Makes a request, and again when its key changes.
 *
 * @param key identifies the request; a result of another key is not returned
 */
export function useAsync<T>(key: string | number, request: () => Promise<T>): Result<T> {
  const [attempt, setAttempt] = useState(0)
  const [outcome, setOutcome] = useState<{ key: string | number; value?: T; error?: unknown }>({ key })
  const latest = useRef(request)
  latest.current = request
  useEffect(() => {
    let isCurrent = true
    setOutcome({ key })
    latest.current().then(
      (value) => isCurrent && setOutcome({ key, value }),
      (error: unknown) => isCurrent && setOutcome({ key, error }),
    )
    return () => {
      isCurrent = false
    }
  }, [key, attempt])
  const retry = (): void => setAttempt(attempt + 1)
  return outcome.key === key ? { ...outcome, retry } : { retry }
}
