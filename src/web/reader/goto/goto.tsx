import { useCallback, useState } from 'preact/hooks'
import { Dialog } from '../../shared/dialog.tsx'
import { fragmentOf, go } from '../address.ts'
import { errorText } from '../error-text.ts'
import { findNamed, type Named } from '../names/find-named.ts'
import { findOne } from '../names/find-one.ts'
import { NameField } from '../names/name-field.tsx'
import type { Reader } from '../reading/reader.ts'
import { t } from './strings.ts'
import { textNoOf } from './text-no.ts'

/** A dialog to open a text by its number, or a conference or a person by name. */
export function GoTo({ reader, onClose }: { reader: Reader; onClose: () => void }) {
  const strings = t.value
  const { server, kom } = reader
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  // A number is not looked up among the names while it is typed.
  const find = useCallback(
    async (name: string) => (textNoOf(name) === undefined ? await findNamed(kom, name) : []),
    [kom],
  )
  const open = async (close: () => void): Promise<void> => {
    if (isBusy) return
    const textNo = textNoOf(typed)
    if (textNo !== undefined) {
      close()
      go(fragmentOf(server, 'texts', textNo))
      return
    }
    if (typed.trim() === '') return setError(strings.isMissing)
    setBusy(true)
    try {
      const found = await findOne(typed, find)
      if ('match' in found) {
        close()
        const { view, conf_no } = found.match as Named
        go(fragmentOf(server, view, conf_no))
      } else setError(found.error)
    } catch (reason) {
      setError(errorText(reason))
    }
    setBusy(false)
  }
  return (
    <Dialog title={strings.goTo} onClose={onClose}>
      {(close) => (
        <form
          class="go-to"
          noValidate
          onSubmit={(event) => {
            event.preventDefault()
            void open(close)
          }}
        >
          <NameField
            id="go-to"
            label={strings.label}
            matchesLabel={strings.matches}
            name={typed}
            error={error}
            find={find}
            onInput={(value) => {
              setTyped(value)
              setError(undefined)
            }}
            onChoose={(match) => {
              close()
              const { view, conf_no } = match as Named
              go(fragmentOf(server, view, conf_no))
            }}
          />
          <div class="actions">
            <button type="submit" class="primary" aria-disabled={isBusy}>
              {strings.open}
            </button>
            <button type="button" onClick={close}>
              {strings.cancel}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  )
}
