import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Reader } from '../reading/reader.ts'
import type { Draft, Recipient } from './drafts.ts'
import { type ComposeErrors, composeErrors, sentencesOf } from './errors.ts'
import { sentNotice, validate } from './kinds.ts'
import { preparation } from './preparation.ts'
import type { RecipientsControl } from './recipients-field.tsx'
import { ImageError, sendDraft, UncertainError } from './send.ts'
import { t } from './strings.ts'
import { keyOf, type Target } from './target.ts'

/** What a form does with the outcome of sending its draft. */
interface Form {
  onErrors: (errors: ComposeErrors) => void
  onClose: () => void
  onSent: (textNo: number) => void
}

/** A draft to send, and its form. */
interface SendingOptions extends Form {
  reader: Reader
  target: Target
  draft: Draft
  /** undefined while they are not known */
  recipients: readonly Recipient[] | undefined
  control: { current: RecipientsControl | null }
}

/** The ids of the drafts that are being sent from this window. */
const sending = signal<ReadonlySet<string>>(new Set())
/** The forms in the page by the ids of their drafts. A form may be replaced by another one while its draft is sent. */
const forms = new Map<string, { readonly current: Form }>()

/** Returns a function that sends the draft of a form once, and whether it is being sent. */
export function useSending(options: SendingOptions): { isSending: boolean; send: () => Promise<void> } {
  const { reader, target, onClose } = options
  const draftId = reader.drafts.idOf(target)
  const form = useRef<Form>(options)
  form.current = options
  useLayoutEffect(() => {
    forms.set(draftId, form)
    return () => {
      if (forms.get(draftId) === form) forms.delete(draftId)
    }
  }, [draftId])
  const isRemoved = reader.drafts.removedElsewhere.value === keyOf(target)
  useEffect(() => {
    if (!isRemoved || sending.peek().has(draftId)) return
    reader.notice.value = t.value.goneElsewhere
    onClose()
  }, [isRemoved])

  const send = async (): Promise<void> => {
    const { recipients } = options
    if (sending.peek().has(draftId) || recipients === undefined) return
    sending.value = new Set([...sending.peek(), draftId])
    const show = await trySend(options, recipients)
    sending.value = new Set([...sending.peek()].filter((each) => each !== draftId))
    show(forms.get(draftId)?.current)
  }
  return { isSending: sending.value.has(draftId), send }
}

/** Sends a draft. Resolves with a function that shows the outcome in its form, undefined if that has been left. */
async function trySend(
  { reader, target, draft, control }: SendingOptions,
  chosen: readonly Recipient[],
): Promise<(form: Form | undefined) => void> {
  const { kom, drafts } = reader
  const { notSent, goneElsewhere, earlierWasSent } = t.value
  const failed = (errors: ComposeErrors, inShort = notSent(sentencesOf(errors))) => {
    return (form: Form | undefined): void => {
      if (form) form.onErrors(errors)
      else reader.notice.value = inShort
    }
  }
  const added = await control.current?.complete()
  if (added === 'invalid') return () => undefined
  const recipients = added === undefined ? chosen : [...chosen, added]
  const files = await preparation(drafts.idOf(target))
  if (files) return failed({ files })
  const invalid = validate(drafts.get(target) ?? draft, recipients)
  if (invalid !== undefined) return failed(invalid)
  const persNo = reader.state.peek().person?.pers_no ?? 0
  try {
    const outcome = await sendDraft({ kom, drafts, target, recipients, persNo })
    if (outcome.was === 'gone') {
      return (form) => {
        reader.notice.value = goneElsewhere
        form?.onClose()
      }
    }
    const { was, textNo } = outcome
    if (was === 'sent-before') return failed({ form: earlierWasSent(textNo) }, earlierWasSent(textNo))
    return (form) => {
      reader.announce(sentNotice(target.kind, textNo), textNo)
      form?.onSent(textNo)
    }
  } catch (error) {
    const errors = composeErrors(error, recipients)
    const mayBeSent = error instanceof UncertainError || error instanceof ImageError
    return failed(errors, mayBeSent ? errors.form : undefined)
  }
}
