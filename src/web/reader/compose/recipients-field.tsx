import type { ConferenceName } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Result } from '../../shared/use-async.ts'
import { errorText } from '../error-text.ts'
import { findOne } from '../names/find-one.ts'
import { NameField } from '../names/name-field.tsx'
import { t as shared } from '../strings/index.ts'
import type { Recipient } from './drafts.ts'
import { t } from './strings.ts'

const FIELD = 'compose-recipient'
const TYPES = ['to', 'cc', 'bcc'] as const

/** What the form does with the field. */
export interface RecipientsControl {
  /**
   * Adds the recipient whose name has been typed and not chosen. Resolves with it, undefined if no name has been typed, and
   * `invalid` if the name stands for none; then the field says so.
   */
  complete(): Promise<Recipient | 'invalid' | undefined>
}

/** The recipients of a text: chips, and a field to add others by name. */
export function RecipientsField({
  control,
  find,
  recipients,
  isSending,
  isWritten,
  proposed,
  error,
  wrongNo,
  onChange,
}: {
  control: { current: RecipientsControl | null }
  find: (name: string) => Promise<readonly ConferenceName[]>
  /** undefined while they are not known */
  recipients: readonly Recipient[] | undefined
  isSending: boolean
  /** whether the text has been sent to them */
  isWritten: boolean
  /** the request for the proposed ones */
  proposed: Result<unknown>
  error: string | undefined
  /** the number of the recipient that the error is about */
  wrongNo: number | undefined
  onChange: (recipients: readonly Recipient[]) => void
}) {
  const strings = t.value
  const isFixed = isSending || isWritten
  const [name, setName] = useState('')
  const [nameError, setNameError] = useState<string>()
  const latest = useRef(recipients)
  latest.current = recipients

  /** Adds a recipient. Returns it, undefined if it is one already. */
  const add = ({ conf_no, name: full }: ConferenceName): Recipient | undefined => {
    if (isFixed) return undefined
    setName('')
    const known = latest.current ?? []
    setNameError(known.some((each) => each.conf_no === conf_no) ? strings.isRecipient(full) : undefined)
    if (known.some((each) => each.conf_no === conf_no)) return undefined
    const added: Recipient = { type: 'to', conf_no, name: full }
    onChange([...known, added])
    return added
  }
  const complete = async (): Promise<Recipient | 'invalid' | undefined> => {
    if (name.trim() === '') return undefined
    try {
      const found = await findOne(name, find)
      if ('match' in found) return add(found.match)
      setNameError(found.error)
    } catch (reason) {
      setNameError(errorText(reason))
    }
    document.getElementById(FIELD)?.focus()
    return 'invalid'
  }
  useEffect(() => {
    control.current = { complete }
  })

  const proposalError = recipients === undefined && proposed.error !== undefined ? errorText(proposed.error) : undefined
  return (
    <div class="recipients-field">
      <div class="goes-to">
        <span id="goes-to">{strings.goesTo}</span>
        <ul aria-labelledby="goes-to">
          {recipients?.map((recipient) => (
            <Chip
              key={recipient.conf_no}
              recipient={recipient}
              isFixed={isFixed}
              isWritten={isWritten}
              isWrong={recipient.conf_no === wrongNo}
              onChange={(type) => onChange(recipients.map((each) => (each === recipient ? { ...each, type } : each)))}
              onRemove={() => {
                onChange(recipients.filter((each) => each !== recipient))
                // The button that had the focus is gone.
                document.getElementById(FIELD)?.focus()
              }}
            />
          ))}
        </ul>
        {proposalError !== undefined && (
          <button type="button" onClick={proposed.retry}>
            {shared.value.tryAgain}
          </button>
        )}
      </div>
      {!isWritten && (
        <NameField
          id={FIELD}
          label={strings.addRecipient}
          matchesLabel={strings.matchingRecipients}
          name={name}
          error={nameError ?? error ?? proposalError}
          find={find}
          onInput={(value) => {
            setName(value)
            setNameError(undefined)
          }}
          onChoose={(match) => void add(match)}
          onEnter={() => void complete()}
        />
      )}
      {isWritten && error !== undefined && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
    </div>
  )
}

function Chip({
  recipient: { type, name },
  isFixed,
  isWritten,
  isWrong,
  onChange,
  onRemove,
}: {
  recipient: Recipient
  isFixed: boolean
  isWritten: boolean
  isWrong: boolean
  onChange: (type: Recipient['type']) => void
  onRemove: () => void
}) {
  const strings = t.value
  return (
    <li class={isWrong ? 'recipient wrong' : 'recipient'}>
      <select
        aria-label={strings.receivesAs(name)}
        disabled={isFixed}
        value={type}
        onChange={({ currentTarget: { value } }) => onChange(value as Recipient['type'])}
      >
        {TYPES.map((each) => (
          <option key={each} value={each}>
            {strings[each]}
          </option>
        ))}
      </select>
      <bdi>{name}</bdi>
      {!isWritten && (
        <button
          type="button"
          class="plain"
          aria-label={strings.removeRecipient(name)}
          disabled={isFixed}
          onClick={onRemove}
        >
          ×
        </button>
      )}
    </li>
  )
}
