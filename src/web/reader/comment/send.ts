import { type ConferenceName, type Kom, KomgateError, ref, type Text } from 'komgate/client'
import type { Draft } from './draft.ts'

/** A comment of which the answer of the gateway did not arrive: it may have been written. */
export class UncertainError extends Error {}

/** A comment to send. */
export interface Comment {
  text: Text
  draft: Draft
  recipients: readonly ConferenceName[]
  persNo: number
}

/**
 * Writes a comment and marks it as read. An attempt that may have been written is looked for first, so that nothing is
 * written twice. Resolves with the number of the comment, and whether it is that of the attempt.
 *
 * @throws UncertainError if the comment may have been written
 */
export async function sendComment(kom: Kom, comment: Comment): Promise<{ textNo: number; isAttempt: boolean }> {
  const { text, draft, recipients } = comment
  const written = await findAttempt(kom, comment)
  if (written !== undefined) return { textNo: written, isAttempt: true }
  const created = kom.texts.create({
    subject: draft.subject.trim(),
    body: draft.body,
    content_type: 'text/x-kom-basic',
    recipient_list: recipients.map(({ conf_no }) => ({ type: 'to', recpt: { conf_no } })),
    comment_to_list: [{ type: 'comment', text_no: text.text_no }],
  })
  const [outcome] = await kom.batchSettled([created, kom.texts.markRead(ref(created, '/text_no'))])
  if (outcome.status === 'fulfilled') return { textNo: outcome.value.text_no, isAttempt: false }
  if (mayBeWritten(outcome.reason)) throw new UncertainError('the answer did not arrive', { cause: outcome.reason })
  throw outcome.reason
}

/** Returns whether a text may have been written although the request has failed: without a response, or with 500 to 504. */
function mayBeWritten(error: unknown): boolean {
  return !(error instanceof KomgateError) || error.httpStatus === 0 || error.httpStatus >= 500
}

/** Returns the number of the comment that an earlier attempt has written. */
async function findAttempt(kom: Kom, { text, draft: { attempt }, persNo }: Comment): Promise<number | undefined> {
  if (attempt === undefined) return undefined
  const { comment_in_list } = await kom.texts.get(text.text_no)
  for (const { text_no, author } of comment_in_list) {
    if (author?.pers_no !== persNo || attempt.commentsBefore.includes(text_no)) continue
    const { subject, body } = await kom.texts.get(text_no)
    if (isSame(subject, attempt.subject) && isSame(body, attempt.body)) return text_no
  }
  return undefined
}

function isSame(found: string | null | undefined, sent: string): boolean {
  return found?.normalize().trim() === sent.normalize().trim()
}
