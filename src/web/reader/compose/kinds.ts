import type { Text } from 'komgate/client'
import type { Reader } from '../reading/reader.ts'
import type { Draft, Recipient } from './drafts.ts'
import type { ComposeErrors } from './errors.ts'
import { imageData } from './image-store.ts'
import { t } from './strings.ts'
import type { Kind } from './target.ts'

/** Returns the kinds of texts that a person may write about a text. */
export function kindsFor(reader: Reader, { author }: Text): Exclude<Kind, 'new'>[] {
  if (author.pers_no === reader.state.value.person?.pers_no) return ['comment', 'footnote']
  return author.pers_no === 0 ? ['comment'] : ['comment', 'answer']
}

/** Shows the form for a text about a text that is shown, if the person may write that. */
export function writeAbout(reader: Reader, kind: Exclude<Kind, 'new'>, textNo: number | undefined): void {
  const text = textNo === undefined ? undefined : reader.state.peek().texts[textNo]
  if (text !== undefined && kindsFor(reader, text).includes(kind))
    reader.write({ kind, no: text.text_no, takesFocus: true })
}

/** Returns the name of a form. */
export function formName(kind: Kind): string {
  const strings = t.value
  return kind === 'new' ? strings.writeText : strings[kind]
}

/** Returns what is said when a text has been sent. */
export function sentNotice(kind: Kind, textNo: number): string {
  return t.value[`${kind}Sent`](textNo)
}

/** Returns what is wrong with a draft before it is sent, undefined if nothing is. */
export function validate(draft: Draft, recipients: readonly Recipient[]): ComposeErrors | undefined {
  const strings = t.value
  const { subject, body, images } = draft
  if (recipients.length === 0) return { recipients: strings.noRecipients }
  if (subject.trim() === '') return { subject: strings.subjectIsMissing }
  if (body.trim() === '' && images.length === 0) return { body: strings.bodyIsMissing }
  const wrong = images.flatMap(({ id, name, textNo }): [string, string][] => {
    if (textNo !== undefined) return []
    if (/[^\0-\xff]/.test(name)) return [[id, strings.imageNameNotLatin]]
    return imageData(id) === undefined ? [[id, strings.imageIsLost]] : []
  })
  return wrong.length === 0 ? undefined : { images: Object.fromEntries(wrong) }
}

/** Returns whether a draft is as the form begins. */
export function isUntouched(
  { subject, body, images, recipients, attempt, textNo }: Draft,
  text: Text | undefined,
): boolean {
  if (attempt !== undefined || textNo !== undefined || recipients !== undefined) return false
  return subject === (text?.subject ?? '') && body === '' && images.length === 0
}
