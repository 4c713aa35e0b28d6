import { useState } from 'preact/hooks'
import { errorText } from '../error-text.ts'

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
      {error !== undefined && <Failure error={error} />}
    </>
  )
}

/** The error of a part of a body. */
export function Failure({ error }: { error: unknown }) {
  return (
    <p class="error" role="alert">
      {errorText(error)}
    </p>
  )
}
