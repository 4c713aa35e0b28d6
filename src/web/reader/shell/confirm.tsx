import { useEffect, useRef, useState } from 'preact/hooks'
import { useAction } from '../../shared/use-action.ts'
import { Failure } from './failure.tsx'

/** A button for something that cannot be undone: it asks first. */
export function Confirm({
  label,
  question,
  yes,
  no,
  act,
}: {
  label: string
  question: string
  yes: string
  no: string
  act: () => Promise<unknown>
}) {
  const [isAsking, setAsking] = useState(false)
  const action = useAction()
  const answer = useRef<HTMLButtonElement>(null)
  const ask = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (isAsking) answer.current?.focus()
  }, [isAsking])
  const cancel = (): void => {
    setAsking(false)
    // The button is rendered again before it can have the focus.
    setTimeout(() => ask.current?.focus())
  }
  return (
    <>
      {isAsking ? (
        <fieldset class="note" aria-label={label}>
          <span>{question}</span>
          <button type="button" aria-disabled={action.isBusy} onClick={() => void action.run(act)}>
            {yes}
          </button>
          <button ref={answer} type="button" onClick={cancel}>
            {no}
          </button>
        </fieldset>
      ) : (
        <p class="actions">
          <button ref={ask} type="button" onClick={() => setAsking(true)}>
            {label}
          </button>
        </p>
      )}
      <Failure error={action.error} />
    </>
  )
}
