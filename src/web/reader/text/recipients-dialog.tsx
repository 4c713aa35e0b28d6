import type { Recipient, Text } from 'komgate/client'
import { useCallback, useState } from 'preact/hooks'
import { Dialog } from '../../shared/dialog.tsx'
import { plainText } from '../../shared/plain-text.ts'
import { errorText } from '../error-text.ts'
import { findOne } from '../names/find-one.ts'
import { NameField } from '../names/name-field.tsx'
import type { Reader } from '../reading/reader.ts'
import { Time } from '../shell/parts.tsx'
import { t as common } from '../strings/index.ts'
import { t } from './strings.ts'

const KINDS = ['to', 'cc', 'bcc'] as const
type Kind = (typeof KINDS)[number]
/** The kinds of recipients as Protocol A names them. */
const PROTOCOL_KINDS = { to: 'recpt', cc: 'cc_recpt', bcc: 'bcc_recpt' } as const

/** The recipients of a text, with what can be done about them. */
export function RecipientsDialog({ reader, text, onClose }: { reader: Reader; text: Text; onClose: () => void }) {
  const strings = t.value
  const [name, setName] = useState('')
  const [kind, setKind] = useState<Kind>('to')
  const [isBusy, setBusy] = useState(false)
  const [errors, setErrors] = useState<{ name?: string; list?: string }>({})
  const { kom } = reader
  const { text_no } = text
  const recipients = (reader.state.value.texts[text_no] ?? text).recipient_list
  const find = useCallback(async (typed: string) => (await kom.conferences.find(typed)).conferences, [kom])
  /** Makes a change. Its error is said at `field`. */
  const change = async (field: 'name' | 'list', act: () => Promise<string | undefined>): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    const error = await act().catch(errorText)
    setErrors(error === undefined ? {} : { [field]: error })
    setBusy(false)
  }
  const add = (): Promise<void> =>
    change('name', async () => {
      if (name.trim() === '') return strings.nameIsMissing
      const found = await findOne(name, find)
      if ('error' in found) return found.error
      await kom.call('add-recipient', {
        text_no,
        conf_no: found.match.conf_no,
        recpt_type: PROTOCOL_KINDS[kind],
      })
      setName('')
      return undefined
    })
  const remove = ({ recpt }: Recipient): Promise<void> =>
    change('list', async () => {
      if (recipients.length === 1) return strings.lastRecipient
      await kom.call('sub-recipient', { text_no, conf_no: recpt.conf_no })
      return undefined
    })
  return (
    <Dialog title={strings.recipientsTitle(text_no)} onClose={onClose}>
      {(close) => (
        <>
          <ul class="rows" aria-label={strings.recipientsTitle(text_no)}>
            {recipients.map((each) => (
              <li key={each.recpt.conf_no}>
                <span>
                  <span class="quiet">{strings[each.type]}</span> <bdi>{each.recpt.name}</bdi>
                </span>
                <span class="quiet">
                  {strings.localNo(each.loc_no)} {each.sent_by && strings.sentBy(plainText(each.sent_by.pers_name))}{' '}
                  {each.sent_at && <Time time={each.sent_at} />}
                </span>
                <button
                  type="button"
                  class="plain"
                  aria-label={strings.removeRecipient(plainText(each.recpt.name))}
                  aria-disabled={isBusy}
                  onClick={() => void remove(each)}
                >
                  {strings.remove}
                </button>
              </li>
            ))}
          </ul>
          {errors.list !== undefined && (
            <p class="error" role="alert">
              {errors.list}
            </p>
          )}
          <form
            class="add-recipient"
            noValidate
            onSubmit={(event) => {
              event.preventDefault()
              void add()
            }}
          >
            <NameField
              id="new-recipient"
              label={strings.addRecipient}
              matchesLabel={strings.addRecipient}
              name={name}
              error={errors.name}
              find={find}
              onInput={(typed) => {
                setName(typed)
                setErrors({})
              }}
            />
            <label class="field">
              <span>{strings.kind}</span>
              <select value={kind} onChange={({ currentTarget: { value } }) => setKind(value as Kind)}>
                {KINDS.map((each) => (
                  <option key={each} value={each}>
                    {strings[each]}
                  </option>
                ))}
              </select>
            </label>
            <button type="submit" aria-disabled={isBusy}>
              {strings.add}
            </button>
          </form>
          <div class="actions">
            <button type="button" class="primary" onClick={close}>
              {common.value.close}
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}
