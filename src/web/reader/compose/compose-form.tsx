import './compose.css'
import type { Text } from 'komgate/client'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { useAsync } from '../../shared/use-async.ts'
import type { Reader } from '../reading/reader.ts'
import { DiscardButton } from './discard-button.tsx'
import type { Draft } from './drafts.ts'
import type { ComposeErrors } from './errors.ts'
import { ImagesField } from './images-field.tsx'
import { formName, isUntouched } from './kinds.ts'
import { MoveButton } from './move-button.tsx'
import { preparation } from './preparation.ts'
import { proposedRecipients } from './recipients.ts'
import { type RecipientsControl, RecipientsField } from './recipients-field.tsx'
import { t } from './strings.ts'
import { keyOf, type Target } from './target.ts'
import { useSending } from './use-sending.ts'

/**
 * A form to write a text. What is typed is a draft, which is kept on the device until it is sent or discarded.
 *
 * @param text the text that is answered; undefined for a new text
 */
export function ComposeForm({
  reader,
  target,
  text,
  onClose,
  onSent = onClose,
}: {
  reader: Reader
  target: Target
  text: Text | undefined
  /** called when the form is closed, or its draft has been sent or discarded elsewhere */
  onClose: () => void
  /** called with the number of the text that has been written. Default: `onClose` */
  onSent?: (textNo: number) => void
}) {
  const strings = t.value
  const { kom, drafts } = reader
  const { kind } = target
  const stored = drafts.get(target)
  const untouched: Draft = { subject: text?.subject ?? '', body: '', images: [] }
  const draft = stored ?? untouched
  const proposed = useAsync(keyOf(target), async () => {
    const { person, memberships } = reader.state.peek()
    return person === null ? [] : await proposedRecipients(target, text, { kom, person, memberships })
  })
  const recipients = draft.recipients ?? proposed.value
  const [errors, setErrors] = useState<ComposeErrors>({})
  const form = useRef<HTMLFormElement>(null)
  const control = useRef<RecipientsControl | null>(null)
  const onErrors = (found: ComposeErrors): void => {
    setErrors(found)
    focusInvalid(form.current, found)
  }
  const { isSending, send } = useSending({ reader, target, draft, recipients, control, onErrors, onClose, onSent })
  const isWritten = draft.textNo !== undefined
  const isFixed = isSending || isWritten
  const draftId = drafts.idOf(target)
  const isPreparing = preparation(draftId) !== undefined

  // Before the next key is pressed, which would be one of the reader. Each request for the form is another target.
  useLayoutEffect(() => {
    if (!target.takesFocus) return
    form.current?.querySelector<HTMLElement>(kind === 'new' ? '.subject input' : 'textarea')?.focus()
    form.current?.scrollIntoView({ block: 'nearest' })
  }, [target])

  const change = (part: Partial<Draft>): void => {
    // Images are prepared while the person types: the draft may have been changed or removed since it was rendered.
    const next = { ...(drafts.all.peek().get(keyOf(target)) ?? untouched), ...part }
    if (isUntouched(next, text)) drafts.remove(target)
    else drafts.set(target, next)
    setErrors({})
  }
  const discard = (): void => {
    drafts.remove(target)
    onClose()
  }

  return (
    <form
      ref={form}
      class="compose"
      aria-label={formName(kind)}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
      onKeyDown={(event) => {
        // Enter ends the composition of a character.
        if (event.defaultPrevented || event.isComposing) return
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void send()
        else if (event.key === 'Escape') onClose()
        // Enter in a line would send the text.
        else if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
          form.current?.querySelector('textarea')?.focus()
        } else return
        event.preventDefault()
      }}
    >
      {kind !== 'new' && <h2>{formName(kind)}</h2>}
      <RecipientsField
        control={control}
        find={reader.findNames}
        recipients={recipients}
        isSending={isSending}
        isWritten={isWritten}
        proposed={proposed}
        error={errors.recipients}
        wrongNo={errors.confNo}
        onChange={(next) => change({ recipients: next })}
      />
      <div class="subject">
        <Field id="compose-subject" label={strings.subject} error={errors.subject}>
          {(parts) => (
            <input
              {...parts}
              type="text"
              readOnly={isFixed}
              value={draft.subject}
              onInput={({ currentTarget: { value } }) => change({ subject: value })}
            />
          )}
        </Field>
      </div>
      <Field id="compose-body" label={strings[`${kind}Body`]} error={errors.body}>
        {(parts) => (
          <textarea
            {...parts}
            rows={kind === 'new' ? 14 : 8}
            readOnly={isFixed}
            value={draft.body}
            onInput={({ currentTarget: { value } }) => change({ body: value })}
          />
        )}
      </Field>
      <ImagesField
        form={form}
        draftId={draftId}
        images={draft.images}
        isSending={isSending}
        isWritten={isWritten}
        errors={errors}
        isRemoved={() => drafts.removedElsewhere.peek() === keyOf(target)}
        latest={() => drafts.reload(target)?.images ?? []}
        onChange={(images) => change({ images })}
        onError={(files) => setErrors({ files })}
      />
      {errors.form !== undefined && (
        <p class="error" role="alert">
          {errors.form}
        </p>
      )}
      {errors.isTextGone && <MoveButton reader={reader} target={target} />}
      <div class="actions">
        <button type="submit" class="primary" aria-disabled={isSending || recipients === undefined}>
          {isSending ? strings.sending : isWritten ? strings.sendImages : strings.send}
        </button>
        <DiscardButton draft={draft} isDisabled={isSending || isPreparing} onDiscard={discard} />
        {kind !== 'new' && (
          <button type="button" class="plain" onClick={onClose}>
            {strings.close}
          </button>
        )}
        <span class="quiet">{drafts.isStored.value ? strings.draftIsKept : strings.draftIsNotKept}</span>
      </div>
    </form>
  )
}

/** Moves the focus to the first field with an error. */
function focusInvalid(form: HTMLFormElement | null, errors: ComposeErrors): void {
  const field =
    errors.recipients !== undefined
      ? '.recipients-field input'
      : errors.subject !== undefined
        ? '.subject input'
        : errors.body !== undefined
          ? 'textarea'
          : undefined
  if (field !== undefined) form?.querySelector<HTMLElement>(field)?.focus()
}
