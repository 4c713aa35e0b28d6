import { type Kom, KomgateError, type NewText, ref } from 'komgate/client'
import type { Draft, DraftImage, Drafts, Recipient } from './drafts.ts'
import { bytesOf } from './image.ts'
import { forgetImage, imageData } from './image-store.ts'
import { exclusively } from './lock.ts'
import { noteSent, type SentText, sentText } from './sent-log.ts'
import type { Target } from './target.ts'

/** A text of which the answer of the gateway did not arrive: it may have been written. */
export class UncertainError extends Error {}

/** The text has been written, and one of its images has not, or may not have been. */
export class ImageError extends Error {
  constructor(
    /** the number of the text */
    readonly textNo: number,
    readonly imageId: string,
    override readonly cause: unknown,
  ) {
    super('an image was not sent')
  }
}

/** A draft to send. */
export interface Job {
  kom: Kom
  drafts: Drafts
  target: Target
  recipients: readonly Recipient[]
  /** the person who writes */
  persNo: number
}

/**
 * What has become of a draft: it was sent as the text `textNo`; or an earlier attempt had been sent as that text, before
 * the draft was changed; or another window of the browser has sent or discarded it.
 */
export type Outcome = { was: 'sent' | 'sent-before'; textNo: number } | { was: 'gone' }

/**
 * Writes the text of a draft and then its images, as footnotes to it, and marks them as read. The draft says at each step
 * what has been sent and what may have been, so that nothing is written twice: not after a lost answer, a closed page or
 * a failure between a text and its images, nor from two windows at once.
 *
 * @throws UncertainError if the text may have been written
 * @throws ImageError if the text has been written and an image has not
 * @throws KomgateError if nothing has been written
 */
export async function sendDraft(job: Job): Promise<Outcome> {
  const { drafts, target } = job
  return await exclusively(drafts.idOf(target), async () => {
    // Nothing is stored before the lock: it would hide what another window has sent.
    const draft = drafts.reload(target)
    if (draft === undefined) return { was: 'gone' }
    const sent = await sentText(draft.id)
    if (sent !== undefined) return afterSent(job, draft, sent)
    let { textNo } = draft
    if (textNo === undefined && draft.attempt !== undefined) {
      const { attempt, ...rest } = draft
      textNo = await findWritten(job, draft)
      if (textNo !== undefined && !(attempt.subject === draft.subject && attempt.body === draft.body)) {
        drafts.set(target, rest)
        return { was: 'sent-before', textNo }
      }
    }
    textNo ??= await writeText(job, draft)
    await writeImages(job, textNo)
    await noteSent(draft.id, { subject: draft.subject, body: draft.body, textNo })
    drafts.remove(target)
    return { was: 'sent', textNo }
  })
}

/** Returns what has become of a draft that another window has sent. What was changed since then becomes a new draft. */
function afterSent({ drafts, target }: Job, draft: Draft, { subject, body, textNo }: SentText): Outcome {
  drafts.remove(target)
  if (subject === draft.subject && body === draft.body) return { was: 'gone' }
  const { subject: changedSubject, body: changedBody, recipients, images } = draft
  drafts.set(target, { subject: changedSubject, body: changedBody, images, ...(recipients && { recipients }) })
  return { was: 'sent-before', textNo }
}

async function writeText(job: Job, draft: Draft): Promise<number> {
  const { kom, drafts, target, recipients } = job
  const { subject, body } = draft
  const after = draft.attempt?.after ?? (await newestOwnText(job))
  // The page may be closed before the answer arrives.
  drafts.set(target, { ...draft, recipients, attempt: { subject, body, after } })
  const { attempt: _, ...unsent } = draft
  try {
    const textNo = await create(kom, {
      subject: subject.trim(),
      body,
      content_type: 'text/x-kom-basic',
      recipient_list: recipientList(recipients),
      comment_to_list: linkOf(target),
    })
    drafts.set(target, { ...unsent, recipients, textNo })
    return textNo
  } catch (error) {
    if (mayBeWritten(error)) throw new UncertainError('the answer did not arrive', { cause: error })
    drafts.set(target, { ...unsent, recipients })
    throw error
  }
}

async function writeImages(job: Job, textNo: number): Promise<void> {
  const { kom, drafts, target, recipients } = job
  const { images = [] } = drafts.get(target) ?? {}
  const update = (id: string, change: Partial<DraftImage>): void => {
    const draft = drafts.get(target)
    if (draft === undefined) return
    drafts.set(target, {
      ...draft,
      textNo,
      images: draft.images.map((each) => (each.id === id ? { ...each, ...change } : each)),
    })
  }
  for (const image of images) {
    if (image.textNo !== undefined) continue
    try {
      const data = imageData(image.id)
      if (data === undefined) throw new Error('the image has been lost')
      let imageNo = image.isAttempted ? await findImage(job, textNo, image, data) : undefined
      if (imageNo === undefined) {
        update(image.id, { isAttempted: true })
        imageNo = await create(kom, {
          subject: image.name.trim(),
          body: data,
          content_type: image.type,
          content_encoding: 'base64',
          recipient_list: recipientList(recipients),
          comment_to_list: [{ type: 'footnote', text_no: textNo }],
        })
      }
      update(image.id, { textNo: imageNo })
      forgetImage(image.id)
    } catch (error) {
      if (!mayBeWritten(error)) update(image.id, { isAttempted: false })
      throw new ImageError(textNo, image.id, error)
    }
  }
}

/** Writes a text and marks it as read. */
async function create(kom: Kom, text: NewText): Promise<number> {
  const created = kom.texts.create(text)
  const [outcome] = await kom.batchSettled([created, kom.texts.markRead(ref(created, '/text_no'))])
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value.text_no
}

/** Returns whether a text may have been written although the request has failed: without a response, or with 500 to 504. */
export function mayBeWritten(error: unknown): boolean {
  return !(error instanceof KomgateError) || error.httpStatus === 0 || error.httpStatus >= 500
}

async function newestOwnText({ kom, persNo }: Job): Promise<number> {
  const { texts } = await kom.persons.texts(persNo, { no_of_texts: 1 })
  return texts[0]?.text_no ?? 0
}

/** Returns the number of the text that the attempt of a draft has written. */
async function findWritten({ kom, persNo, target }: Job, { attempt }: Draft): Promise<number | undefined> {
  if (attempt === undefined) return undefined
  const [link] = linkOf(target)
  let before: number | undefined
  for (;;) {
    const page = await kom.persons.texts(persNo, before === undefined ? {} : { before })
    for (const { text_no, subject } of page.texts) {
      if (text_no <= attempt.after) return undefined
      if (!isSame(subject, attempt.subject)) continue
      const { body, comment_to_list } = await kom.texts.get(text_no)
      const isLinked = link === undefined || comment_to_list.some((each) => each.text_no === link.text_no)
      if (isLinked && isSame(body, attempt.body)) return text_no
    }
    if (page.next_before === null) return undefined
    before = page.next_before
  }
}

/** Returns the number of the footnote that an earlier attempt to send an image has written. */
async function findImage(
  { kom, persNo, drafts, target }: Job,
  textNo: number,
  image: DraftImage,
  data: string,
): Promise<number | undefined> {
  const known = drafts.get(target)?.images.map((each) => each.textNo)
  const bytes = bytesOf(data)
  const { comment_in_list } = await kom.texts.get(textNo)
  for (const { type, text_no, author } of comment_in_list) {
    if (type !== 'footnote' || author?.pers_no !== persNo || known?.includes(text_no)) continue
    const { subject, content_type } = await kom.texts.get(text_no)
    if (content_type !== image.type || !isSame(subject, image.name)) continue
    const found = new Uint8Array(await (await kom.texts.body(text_no)).arrayBuffer())
    if (found.length === bytes.length && found.every((byte, i) => byte === bytes[i])) return text_no
  }
  return undefined
}

function recipientList(recipients: readonly Recipient[]): NonNullable<NewText['recipient_list']> {
  return recipients.map(({ type, conf_no }) => ({ type, recpt: { conf_no } }))
}

function linkOf({ kind, no }: Target): NonNullable<NewText['comment_to_list']> {
  return kind === 'new' ? [] : [{ type: kind === 'footnote' ? 'footnote' : 'comment', text_no: no }]
}

function isSame(found: string | null | undefined, sent: string): boolean {
  return found?.normalize().trim() === sent.normalize().trim()
}
