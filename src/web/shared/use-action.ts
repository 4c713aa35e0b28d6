import { useRef, useState } from 'preact/hooks'

/** Something that the person does, one at a time. */
export interface Action {
  isBusy: boolean
  /** why it has failed; undefined otherwise */
  error: unknown
  /** Does it, unless it is being done. Resolves with whether it has succeeded. */
  run(act: () => Promise<unknown>): Promise<boolean>
}

/** Returns an action with its error. */
export function useAction(): Action {
  const [outcome, setOutcome] = useState<{ isBusy: boolean; error: unknown }>({ isBusy: false, error: undefined })
  // A second click comes before the button is rendered again.
  const isRunning = useRef(false)
  return {
    ...outcome,
    async run(act) {
      if (isRunning.current) return false
      isRunning.current = true
      setOutcome({ isBusy: true, error: undefined })
      const error = await act().then(
        () => undefined,
        (reason: unknown) => reason ?? new Error('failed'),
      )
      isRunning.current = false
      setOutcome({ isBusy: false, error })
      return error === undefined
    },
  }
}
