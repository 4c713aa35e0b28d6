import type { Text } from 'komgate/client'
import { useState } from 'preact/hooks'
import { Dialog } from '../../shared/dialog.tsx'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { deleteText } from './actions.ts'
import { t } from './strings.ts'

/** Asks whether a text is to be deleted. */
export function DeleteDialog({ reader, text, onClose }: { reader: Reader; text: Text; onClose: () => void }) {
  const strings = t.value
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  return (
    <Dialog title={strings.deleteTitle(text.text_no)} onClose={onClose}>
      {(close) => (
        <>
          <p>{strings.deleteMeaning}</p>
          {error !== undefined && (
            <p class="error" role="alert">
              {errorText(error)}
            </p>
          )}
          <div class="actions">
            <button
              type="button"
              class="primary"
              disabled={isBusy}
              onClick={() => {
                setBusy(true)
                deleteText(reader, text).then(close, (reason: unknown) => {
                  setError(reason)
                  setBusy(false)
                })
              }}
            >
              {strings.deleteIt}
            </button>
            <button type="button" onClick={close}>
              {strings.cancel}
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}
