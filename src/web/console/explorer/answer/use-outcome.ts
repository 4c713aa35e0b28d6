import { useEffect, useRef, useState } from 'preact/hooks'
import type { BuiltRequest } from '../request.ts'
import { type Answer, type Secrets, type StreamAnswer, send } from '../send.ts'

/** What became of the last request. */
export type Outcome =
  | { state: 'none' | 'waiting' | 'failed' | 'stopped' }
  | { state: 'answered'; answer: Answer }
  | { state: 'streaming'; answer: StreamAnswer; isOpen: boolean }

/** Sends requests, one at a time. */
export interface Sender {
  outcome: Outcome
  /** whether the answer has not ended */
  isBusy: boolean
  /** Sends a request. Resolves with its outcome; undefined if another request took its place, or the view is gone. */
  perform(request: BuiltRequest, base: URL, secrets: Secrets): Promise<Outcome | undefined>
  /** Stops waiting for the answer, or reading it. */
  stop(): void
  /** Reports that the stream has ended. */
  endStream(): void
}

/** Returns what sends requests while the component is shown. */
export function useOutcome(): Sender {
  const [outcome, setOutcome] = useState<Outcome>({ state: 'none' })
  const abort = useRef<AbortController | undefined>(undefined)
  useEffect(
    () => () => {
      abort.current?.abort()
      abort.current = undefined
    },
    [],
  )
  return {
    outcome,
    isBusy: outcome.state === 'waiting' || (outcome.state === 'streaming' && outcome.isOpen),
    async perform(request, base, secrets) {
      abort.current?.abort()
      const controller = new AbortController()
      abort.current = controller
      setOutcome({ state: 'waiting' })
      const result = await outcomeOf(request, base, secrets, controller.signal)
      if (abort.current !== controller) return undefined
      setOutcome(result)
      return result
    },
    stop: () => abort.current?.abort(),
    endStream: () => setOutcome((last) => (last.state === 'streaming' ? { ...last, isOpen: false } : last)),
  }
}

async function outcomeOf(request: BuiltRequest, base: URL, secrets: Secrets, signal: AbortSignal): Promise<Outcome> {
  try {
    const answer = await send(request, base, secrets, signal)
    if (signal.aborted) return { state: 'stopped' }
    return 'stream' in answer ? { state: 'streaming', answer, isOpen: true } : { state: 'answered', answer }
  } catch {
    return { state: signal.aborted ? 'stopped' : 'failed' }
  }
}
