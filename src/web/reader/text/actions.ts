import type { Text } from 'komgate/client'
import { fragmentOf } from '../address.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { t as common } from '../strings/index.ts'
import { t } from './strings.ts'

/** The type of the marks of this program: that of jskom. */
const MARK_TYPE = 100

/** Returns whether a text can be marked as read or unread: the person is a member of one of its recipients. */
export function hasReadMark(reader: Reader, textNo: number): boolean {
  const recipients = reader.state.value.texts[textNo]?.recipient_list ?? []
  return recipients.some(({ recpt }) => reader.membership(recpt.conf_no) !== undefined)
}

/** Marks the shown text as read, if that is possible. */
export function markRead(reader: Reader, textNo: number): void {
  if (!hasReadMark(reader, textNo)) return
  reader.marks.markRead(textNo)
  reader.notice.value = common.value.isReadNow
}

/** Marks the shown text as unread, if that is possible. */
export async function markUnread(reader: Reader, textNo: number): Promise<void> {
  if (!hasReadMark(reader, textNo)) return
  try {
    await reader.marks.markUnread(textNo)
    reader.notice.value = common.value.isUnreadAgain
  } catch (error) {
    reader.notice.value = errorText(error)
  }
}

/** Returns whether the person has marked a text. */
export function isMarked(reader: Reader, textNo: number): boolean {
  return reader.state.value.marks.some(({ text_no }) => text_no === textNo)
}

/** Marks a text, or removes its mark. */
export async function toggleMark(reader: Reader, textNo: number): Promise<void> {
  const wasMarked = isMarked(reader, textNo)
  try {
    await (wasMarked ? reader.kom.texts.unmark(textNo) : reader.kom.texts.mark(textNo, MARK_TYPE))
    reader.notice.value = wasMarked ? t.value.isUnmarked : t.value.isMarked
  } catch (error) {
    reader.notice.value = errorText(error)
  }
}

/** Copies the address of a text. Says it where the browser permits no copying, as on pages without TLS. */
export async function copyLink(reader: Reader, textNo: number): Promise<void> {
  const link = new URL(fragmentOf(reader.server, 'texts', textNo), document.baseURI).href
  try {
    await navigator.clipboard.writeText(link)
    reader.notice.value = t.value.linkIsCopied
  } catch {
    reader.notice.value = t.value.linkIsNotCopied(link)
  }
}

/** Deletes a text for everyone. */
export async function deleteText(reader: Reader, { text_no }: Text): Promise<void> {
  await reader.kom.call('delete-text', { text: text_no })
  reader.notice.value = t.value.isDeleted(text_no)
}
