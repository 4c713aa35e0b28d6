import { signal } from '@preact/signals'
import type { ConferenceName } from 'komgate/client'
import { fragmentOf, go } from '../address.ts'

/** A message that is being written. */
export interface MessageDraft {
  /** the typed name of a person or conference */
  name: string
  /** whether it goes to everyone instead */
  isEveryone: boolean
  text: string
}

const EMPTY: MessageDraft = { name: '', isEveryone: false, text: '' }

/** The message in the form. It is kept when the session ends, until the person logs out or another one logs in. */
export const draft = signal(EMPTY)
let owner = ''

/** Discards the draft of another person. @param of identifies the person who is logged in, and the server */
export function keepDraftOf(of: string): void {
  if (of !== owner) discardDraft()
  owner = of
}

/** Empties the form. */
export function discardDraft(): void {
  draft.value = EMPTY
}

/** Discards the draft that has been sent. What has been written since stays, with its recipient. */
export function discardSent(sent: MessageDraft): void {
  const { value } = draft
  if (value === sent) discardDraft()
  else if (value.text === sent.text) draft.value = { ...value, text: '' }
}

/** Shows the form for a message to a person or conference. */
export function writeMessageTo(server: string, { name }: ConferenceName): void {
  draft.value = { ...draft.value, name, isEveryone: false }
  go(fragmentOf(server, 'messages'))
}
