import { type ConferenceName, LyskomError, UnavailableError } from 'komgate/client'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { errorText } from '../error-text.ts'
import { findOne } from '../names/find-one.ts'
import { NameField } from '../names/name-field.tsx'
import type { Reader } from '../reading/reader.ts'
import { discardSent, draft, type MessageDraft } from './draft.ts'
import { t } from './strings.ts'

/** Errors by field; those of `form` are about no field. */
type Errors = { to?: string; text?: string; form?: string }

/** The form for a message to a person, a conference or everyone. */
export function MessageForm({ reader }: { reader: Reader }) {
  const strings = t.value
  const written = draft.value
  const { name, isEveryone, text } = written
  const [errors, setErrors] = useState<Errors>({})
  const [isBusy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const find = useCallback(
    async (pattern: string): Promise<readonly ConferenceName[]> =>
      (await reader.kom.conferences.find(pattern)).conferences,
    [reader],
  )
  // The name is there already when the person answers.
  useEffect(() => {
    const { name: to, isEveryone: hasNoName } = draft.peek()
    focusField(form.current, to === '' && !hasNoName ? 'input[role=combobox]' : 'textarea')
  }, [])

  const change = (part: Partial<MessageDraft>): void => {
    draft.value = { ...draft.value, ...part }
    setErrors({})
  }
  const send = async (): Promise<Errors> => {
    if (!isEveryone && name.trim() === '') return { to: strings.recipientIsMissing }
    if (text.trim() === '') return { text: strings.textIsMissing }
    const found = isEveryone ? undefined : await findOne(name, find)
    if (found !== undefined && 'error' in found) return { to: found.error }
    try {
      await reader.messages.send(found?.match ?? null, text)
    } catch (error) {
      return sendingErrors(error, found?.match.name)
    }
    discardSent(written)
    reader.notice.value = strings.sent
    return {}
  }
  const submit = async (): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    setErrors({})
    const failed = await send().catch((error: unknown): Errors => ({ form: errorText(error) }))
    setBusy(false)
    setErrors(failed)
    if (failed.to !== undefined) focusField(form.current, 'input')
    else if (failed.text !== undefined) focusField(form.current, 'textarea')
  }

  return (
    <form
      ref={form}
      class="message-form"
      aria-label={strings.newMessage}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
        event.preventDefault()
        void submit()
      }}
    >
      {!isEveryone && (
        <NameField
          id="message-to"
          label={strings.to}
          matchesLabel={strings.matches}
          name={name}
          error={errors.to}
          find={find}
          onInput={(value) => change({ name: value })}
        />
      )}
      <label class="check">
        <input
          type="checkbox"
          checked={isEveryone}
          aria-describedby={isEveryone && errors.to !== undefined ? 'message-everyone-error' : undefined}
          onChange={({ currentTarget: { checked } }) => change({ isEveryone: checked })}
        />
        {strings.everyone}
      </label>
      {isEveryone && errors.to !== undefined && (
        <p class="error" id="message-everyone-error" role="alert">
          {errors.to}
        </p>
      )}
      <Field id="message-text" label={strings.message} error={errors.text}>
        {(parts) => (
          <textarea
            {...parts}
            rows={3}
            dir="auto"
            readOnly={isBusy}
            value={text}
            onInput={({ currentTarget: { value } }) => change({ text: value })}
          />
        )}
      </Field>
      {errors.form !== undefined && (
        <p class="error" role="alert">
          {errors.form}
        </p>
      )}
      <button type="submit" class="primary" aria-disabled={isBusy}>
        {isBusy ? strings.sending : strings.send}
      </button>
    </form>
  )
}

/** Returns what the error of a message means. @param name that of the recipient; undefined for everyone */
function sendingErrors(error: unknown, name: string | undefined): Errors {
  const strings = t.value
  if (error instanceof UnavailableError) return { form: strings.mayBeSent }
  if (!(error instanceof LyskomError)) return { form: errorText(error) }
  if (error.name === 'MessageNotSent')
    return { to: name === undefined ? strings.nobodyIsOn : strings.nobodyReceives(name) }
  if (error.name === 'StringTooLong') return { text: strings.tooLong }
  return { to: errorText(error) }
}

function focusField(form: HTMLFormElement | null, selector: string): void {
  form?.querySelector<HTMLElement>(selector)?.focus()
}
