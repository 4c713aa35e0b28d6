import { useState } from 'preact/hooks'
import { Failure } from '../shell/failure.tsx'

/** A sentence with a button, and the error of what the button does. */
export function Action({ note, label, run }: { note: string; label: string; run: () => Promise<void> }) {
  const [error, setError] = useState<unknown>()
  return (
    <>
      <p class="note">
        <span>{note}</span>
        <button
          type="button"
          onClick={() => {
            setError(undefined)
            run().catch(setError)
          }}
        >
          {label}
        </button>
      </p>
      <Failure error={error} />
    </>
  )
}
