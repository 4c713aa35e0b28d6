import { useEffect, useRef, useState } from 'preact/hooks'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import type { Draft, Recipient } from './drafts.ts'
import { type ComposeErrors, composeErrors } from './errors.ts'
import { sentNotice, validate } from './kinds.ts'
import { preparation } from './preparation.ts'
import type { RecipientsControl } from './recipients-field.tsx'
import { sendDraft } from './send.ts'
import { t } from './strings.ts'
import { keyOf, type Target } from './target.ts'

/** What a form does when its draft has been sent. */
interface SendingOptions {
  reader: Reader
  target: Target
  draft: Draft
  /** undefined while they are not known */
  recipients: readonly Recipient[] | undefined
  control: { current: RecipientsControl | null }
  onErrors: (errors: ComposeErrors) => void
  onClose: () => void
  onSent: (textNo: number) => void
}

/** Returns a function that sends the draft of a form once, and whether it is being sent. */
export function useSending(options: SendingOptions): { isSending: boolean; send: () => Promise<void> } {
  const { reader, target, onClose } = options
  const [isSending, setSending] = useState(false)
  // A second click comes before the button is rendered again.
  const isBusy = useRef(false)
  const isMounted = useRef(true)
  useEffect(() => {
    isMounted.current = true
    return () => {
      isMounted.current = false
    }
  }, [])
  const isRemoved = reader.drafts.removedElsewhere.value === keyOf(target)
  useEffect(() => {
    if (!isRemoved || isBusy.current) return
    reader.notice.value = t.value.goneElsewhere
    onClose()
  }, [isRemoved])

  const send = async (): Promise<void> => {
    const { recipients } = options
    if (isBusy.current || recipients === undefined) return
    isBusy.current = true
    setSending(true)
    const finish = await trySend(options, recipients, () => isMounted.current)
    isBusy.current = false
    setSending(false)
    finish?.()
  }
  return { isSending, send }
}

/** Sends a draft. Resolves with what to do then. */
async function trySend(
  { reader, target, draft, control, onErrors, onClose, onSent }: SendingOptions,
  chosen: readonly Recipient[],
  isMounted: () => boolean,
): Promise<(() => void) | undefined> {
  const { kom, drafts } = reader
  const added = await control.current?.complete()
  if (added === 'invalid') return undefined
  const recipients = added === undefined ? chosen : [...chosen, added]
  const problems = await preparation(drafts.idOf(target))
  if (problems) {
    if (!isMounted()) reader.notice.value = t.value.notSent(problems)
    return () => onErrors({ files: problems })
  }
  const invalid = validate(drafts.get(target) ?? draft, recipients)
  if (invalid !== undefined) return () => onErrors(invalid)
  const persNo = reader.state.peek().person?.pers_no ?? 0
  try {
    const outcome = await sendDraft({ kom, drafts, target, recipients, persNo })
    if (outcome.was === 'gone') {
      reader.notice.value = t.value.goneElsewhere
      return onClose
    }
    const { textNo } = outcome
    if (outcome.was === 'sent-before') return () => onErrors({ form: t.value.earlierWasSent(textNo) })
    reader.announce(sentNotice(target.kind, textNo), textNo)
    return () => isMounted() && onSent(textNo)
  } catch (error) {
    // The person has gone on to another view.
    if (!isMounted()) reader.notice.value = t.value.notSent(errorText(error))
    return () => onErrors(composeErrors(error, recipients))
  }
}
