import type { Text } from 'komgate/client'
import { Dialog } from '../../shared/dialog.tsx'
import { useAction } from '../../shared/use-action.ts'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { deleteText } from './actions.ts'
import { t } from './strings.ts'

/** Asks whether a text is to be deleted. */
export function DeleteDialog({ reader, text, onClose }: { reader: Reader; text: Text; onClose: () => void }) {
  const strings = t.value
  const { isBusy, error, run } = useAction()
  return (
    <Dialog title={strings.deleteTitle(text.text_no)} onClose={onClose}>
      {(close) => (
        <>
          <p>{strings.deleteMeaning}</p>
          <Failure error={error} />
          <div class="actions">
            <button
              type="button"
              class="primary"
              aria-disabled={isBusy}
              onClick={() => {
                void run(async () => {
                  await deleteText(reader, text)
                  close()
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
