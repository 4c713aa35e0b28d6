import '../confirm.css'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Effect } from './effect.ts'
import { t } from './strings.ts'

/** Asks before a request that changes or destroys something. */
export function Confirm({
  name,
  effect,
  target,
  onSend,
  onCancel,
}: {
  name: string
  effect: Exclude<Effect, 'reads'>
  /** the method and the path of the request */
  target: string
  /** @param isLast whether to ask no more before requests that change something */
  onSend: (isLast: boolean) => void
  onCancel: () => void
}) {
  const strings = t.value
  const dialog = useRef<HTMLDialogElement>(null)
  const [isLast, setLast] = useState(false)
  const cancel = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
    // Enter does not destroy anything by mistake.
    if (effect === 'destroys') cancel.current?.focus()
  }, [effect])
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-text" onClose={onCancel}>
      <p id="confirm-text">{effect === 'destroys' ? strings.destroys(name) : strings.changes(name)}</p>
      <p>
        <code>{target}</code>
      </p>
      {effect === 'changes' && (
        <label class="check">
          <input type="checkbox" checked={isLast} onChange={({ currentTarget: { checked } }) => setLast(checked)} />
          {strings.doNotAsk}
        </label>
      )}
      <p class="actions">
        <button type="button" class="primary" onClick={() => onSend(isLast)}>
          {strings.sendAnyway(name)}
        </button>
        <button ref={cancel} type="button" onClick={onCancel}>
          {strings.cancel}
        </button>
      </p>
    </dialog>
  )
}
