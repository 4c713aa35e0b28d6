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

/** The message in the form. It is kept when the session ends, until the person logs out. */
export const draft = signal(EMPTY)

/** Empties the form. */
export function discardDraft(): void {
  draft.value = EMPTY
}

/** Shows the form for a message to a person or conference. */
export function writeMessageTo(server: string, { name }: ConferenceName): void {
  draft.value = { ...draft.value, name, isEveryone: false }
  go(fragmentOf(server, 'messages'))
}
