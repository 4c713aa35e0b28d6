import { useEffect, useState } from 'preact/hooks'
import { type Gateway, GatewayError } from '../gateway.ts'
import { TraceLog } from './trace-log.ts'

/** The interval of attempts to start a trace. */
const RETRY_MS = 2000
/** The interval in which lines are shown. */
const SHOW_MS = 200

/** The trace of a session. */
export interface Trace {
  log: TraceLog
  state: 'starting' | 'running' | 'ended' | 'gone'
  /** why it could not be started; it is tried again */
  error?: unknown
  /** removes all lines */
  clear: () => void
}

/** Traces a session while the component is shown, and renders it at most every 200 ms. */
export function useTrace(gateway: Gateway, handle: string): Trace {
  const [log] = useState(() => new TraceLog())
  const [trace, setTrace] = useState<Omit<Trace, 'clear'>>({ log, state: 'starting' })
  useEffect(() => {
    const abort = new AbortController()
    let retry: ReturnType<typeof setTimeout> | undefined
    let isShown = true
    const show = setInterval(() => {
      if (!isShown) setTrace((last) => ({ ...last }))
      isShown = true
    }, SHOW_MS)
    const run = async (): Promise<void> => {
      const { body } = await gateway.send(`admin/sessions/${handle}/trace`, { signal: abort.signal })
      setTrace({ log, state: 'running' })
      const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
      for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
        log.feed(part.value, Date.now())
        isShown = false
      }
    }
    const keepRunning = async (): Promise<void> => {
      const error = await run().catch((reason: unknown) => reason)
      if (abort.signal.aborted) return
      if (log.ended !== undefined) setTrace({ log, state: 'ended' })
      else if (error instanceof GatewayError && error.status === 404) setTrace({ log, state: 'gone' })
      else {
        setTrace({ log, state: 'starting', error })
        retry = setTimeout(() => void keepRunning(), RETRY_MS)
      }
    }
    void keepRunning()
    return () => {
      abort.abort()
      clearTimeout(retry)
      clearInterval(show)
    }
  }, [gateway, handle, log])
  return {
    ...trace,
    clear() {
      log.clear()
      setTrace((last) => ({ ...last }))
    },
  }
}
