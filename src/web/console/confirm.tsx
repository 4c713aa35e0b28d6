import './confirm.css'
import { useEffect, useRef, useState } from 'preact/hooks'
import { errorText } from './error-text.ts'
import { t } from './strings.ts'

/** A dialog that asks before something is done, and stays open with the error if that fails. */
export function Confirm({
  question,
  action,
  onConfirm,
  onClose,
}: {
  question: string
  /** what is done, for the button */
  action: string
  onConfirm: () => Promise<void>
  onClose: () => void
}) {
  const strings = t.value
  const dialog = useRef<HTMLDialogElement>(null)
  const [error, setError] = useState<unknown>()
  const [isBusy, setBusy] = useState(false)
  useEffect(() => dialog.current?.showModal(), [])
  const confirm = async (): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    setError(undefined)
    try {
      await onConfirm()
      dialog.current?.close()
    } catch (failure) {
      setError(failure)
      setBusy(false)
    }
  }
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-question" onClose={onClose}>
      <p id="confirm-question">{question}</p>
      {error !== undefined && (
        <p class="error" role="alert">
          {errorText(error)}
        </p>
      )}
      <div class="actions">
        <button type="button" onClick={() => dialog.current?.close()}>
          {strings.cancel}
        </button>
        <button type="button" class="primary" aria-disabled={isBusy} onClick={() => void confirm()}>
          {action}
        </button>
      </div>
    </dialog>
  )
}
