import type { ConferenceName } from 'komgate/client'

/** A message that has been sent or received on this device. */
export interface Message {
  /** that of its event; another one for a sent message of which there is no event */
  id: string
  /** when it was sent or received here, in ISO 8601 */
  time: string
  sender: ConferenceName
  /** a conference or person; null for everyone */
  recipient: ConferenceName | null
  text: string
  /** whether the person has seen it; sent messages are */
  isSeen: boolean
}

/** The kept messages of a person. */
export interface MessageList {
  /** whether they are kept when the browser is closed, for all tabs */
  readonly isForDevice: boolean
  /** Returns the messages, the oldest first. */
  read(): Message[]
  /**
   * Replaces the messages by what a function makes of them, and returns them.
   *
   * @param held the messages of this page, for a browser that keeps none
   */
  change(held: readonly Message[], make: (messages: readonly Message[]) => readonly Message[]): Message[]
  /** Calls a function when another tab has changed the messages, until the returned function is called. */
  onChange(listener: () => void): () => void
}
