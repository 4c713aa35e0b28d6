import './comment.css'
import { LyskomError, type Text } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { useAsync } from '../../shared/use-async.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { t } from '../strings/index.ts'
import { type Draft, readDraft, writeDraft } from './draft.ts'
import { recipientsOfComment } from './recipients.ts'
import { sendComment, UncertainError } from './send.ts'

type Errors = { subject?: string; body?: string; recipients?: string; form?: string }

/** A form beneath a text to comment on it. What is typed is kept on the device until it is sent or discarded. */
export function CommentForm({ reader, text, onClose }: { reader: Reader; text: Text; onClose: () => void }) {
  const strings = t.value
  const { server, kom } = reader
  const persNo = reader.state.value.person?.pers_no ?? 0
  const { text_no } = text
  const [draft, setDraft] = useState<Draft>(
    () => readDraft(server, persNo, text_no) ?? { subject: text.subject ?? '', body: '' },
  )
  const [isStored, setStored] = useState(true)
  const [errors, setErrors] = useState<Errors>({})
  const [isSending, setSending] = useState(false)
  const isSent = useRef(false)
  const form = useRef<HTMLFormElement>(null)
  const recipients = useAsync(text_no, () => recipientsOfComment(kom, text, reader.state.peek().memberships))

  useEffect(() => {
    // A draft is shown with its text; the keys of the reader still work then.
    if (readDraft(server, persNo, text_no) !== undefined) return
    form.current?.querySelector('textarea')?.focus()
    form.current?.scrollIntoView({ block: 'nearest' })
  }, [server, persNo, text_no])

  const keep = (next: Draft): void => {
    setDraft(next)
    setStored(writeDraft(server, persNo, text_no, next))
    setErrors({})
  }
  const close = (): void => {
    writeDraft(server, persNo, text_no, undefined)
    onClose()
  }
  const check = (): Errors | undefined => {
    if (draft.subject.trim() === '') return { subject: strings.subjectIsMissing }
    if (draft.body.trim() === '') return { body: strings.bodyIsMissing }
    if (recipients.value?.length === 0) return { recipients: strings.noRecipients }
    return undefined
  }
  const send = async (): Promise<void> => {
    if (isSent.current || recipients.value === undefined) return
    const invalid = check()
    setErrors(invalid ?? {})
    if (invalid !== undefined) {
      form.current?.querySelector<HTMLElement>(invalid.subject === undefined ? 'textarea' : 'input')?.focus()
      return
    }
    // A second click comes before the button is rendered again.
    isSent.current = true
    setSending(true)
    const { subject, body, attempt } = draft
    const commentsBefore = text.comment_in_list.map(({ text_no: no }) => no)
    const attempted = { ...draft, attempt: attempt ?? { subject, body, commentsBefore } }
    // The page may be closed before the answer arrives.
    writeDraft(server, persNo, text_no, attempted)
    try {
      const { textNo, isAttempt } = await sendComment(kom, { text, draft, recipients: recipients.value, persNo })
      if (!isAttempt || (attempt?.subject === subject && attempt.body === body)) {
        reader.notice.value = strings.sent(textNo)
        close()
        return
      }
      keep({ subject, body })
      setErrors({ form: strings.earlierWasSent(textNo) })
    } catch (error) {
      if (error instanceof UncertainError) {
        keep(attempted)
        setErrors({ form: strings.mayBeSent })
      } else {
        keep(draft)
        setErrors(error instanceof LyskomError ? { recipients: errorText(error) } : { form: errorText(error) })
      }
    }
    isSent.current = false
    setSending(false)
  }

  return (
    <form
      ref={form}
      class="comment-form"
      aria-label={strings.comment}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
        event.preventDefault()
        void send()
      }}
    >
      <Field id="comment-subject" label={strings.subject} error={errors.subject}>
        {(parts) => (
          <input
            {...parts}
            type="text"
            value={draft.subject}
            onInput={({ currentTarget: { value } }) => keep({ ...draft, subject: value })}
          />
        )}
      </Field>
      <Field id="comment-body" label={strings.yourComment} error={errors.body}>
        {(parts) => (
          <textarea
            {...parts}
            rows={8}
            value={draft.body}
            onInput={({ currentTarget: { value } }) => keep({ ...draft, body: value })}
          />
        )}
      </Field>
      <p class="goes-to">
        <span>{strings.goesTo}</span>
        {recipients.value?.map(({ conf_no, name }) => (
          <bdi key={conf_no} class="chip">
            {name}
          </bdi>
        ))}
        {recipients.error !== undefined && (
          <button type="button" onClick={recipients.retry}>
            {strings.tryAgain}
          </button>
        )}
      </p>
      {(errors.recipients ?? errors.form ?? recipients.error) !== undefined && (
        <p class="error" role="alert">
          {errors.recipients ?? errors.form ?? errorText(recipients.error)}
        </p>
      )}
      <div class="actions">
        <button type="submit" class="primary" aria-disabled={isSending || recipients.value === undefined}>
          {isSending ? strings.sending : strings.send}
        </button>
        <button type="button" disabled={isSending} onClick={close}>
          {strings.discard}
        </button>
        <span class="quiet">{isStored ? strings.draftIsKept : strings.draftIsNotKept}</span>
      </div>
    </form>
  )
}
