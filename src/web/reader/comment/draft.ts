import { readStored, writeStored } from '../../shared/stored.ts'

/** An unfinished comment, which is kept on the device. */
export interface Draft {
  subject: string
  body: string
  /** what may have been written, because the answer of the gateway did not arrive */
  attempt?: Attempt
}

/** An attempt to write a comment. */
export interface Attempt {
  subject: string
  body: string
  /** the comments that the text had before */
  commentsBefore: readonly number[]
}

const keyOf = (server: string, persNo: number, textNo: number): string => `komgate.draft.${server}.${persNo}.${textNo}`

/** Returns the draft of a person's comment on a text. */
export function readDraft(server: string, persNo: number, textNo: number): Draft | undefined {
  return readStored('localStorage', keyOf(server, persNo, textNo))
}

/** Keeps a draft, or removes it. Returns whether the browser keeps it. */
export function writeDraft(server: string, persNo: number, textNo: number, draft: Draft | undefined): boolean {
  return writeStored('localStorage', keyOf(server, persNo, textNo), draft)
}
