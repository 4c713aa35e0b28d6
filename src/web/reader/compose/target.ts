/** The kinds of texts that a person writes. An answer is a comment that goes to the author of the text alone. */
export type Kind = 'new' | 'comment' | 'footnote' | 'answer'

/** What a person writes: about the text `no`; a new text begins with the recipient `no`, or without one if it is 0. */
export interface Target {
  kind: Kind
  no: number
  /** whether the form takes the focus; it does not when a draft is shown with its text */
  takesFocus?: boolean
}

/** Returns the key of a target among the drafts of a person. */
export function keyOf({ kind, no }: Target): string {
  return `${kind}.${no}`
}

/** Returns the target of a key, undefined if it is malformed. */
export function targetOf(key: string): Target | undefined {
  const [, kind, no] = /^(new|comment|footnote|answer)\.(\d{1,10})$/.exec(key) ?? []
  return kind === undefined ? undefined : { kind: kind as Kind, no: Number(no) }
}
