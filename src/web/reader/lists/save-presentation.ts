import { type Kom, ref } from 'komgate/client'

/** How many of the newest texts of the author are compared with a presentation that may have been written. */
const COMPARED = 10

/** A presentation to save. */
export interface NewPresentation {
  /** the conference or person whose presentation it is */
  no: number
  /** their name, which is the subject */
  name: string
  body: string
  /** the conference in which it is written */
  recipient: number
  /** the text that is the presentation now; 0 for none */
  former: number
  /** the author */
  persNo: number
  /** whether an earlier attempt may have written it */
  isAgain: boolean
}

/**
 * Writes a presentation as a comment on the one before, and sets it. A text that an earlier attempt has written is used
 * again. Resolves with the number of the text.
 */
export async function savePresentation(kom: Kom, presentation: NewPresentation): Promise<number> {
  const { no, name, body, recipient, former } = presentation
  const written = presentation.isAgain ? await findWritten(kom, presentation) : undefined
  if (written !== undefined) {
    await kom.persons.setPresentation(no, written)
    return written
  }
  const created = kom.texts.create({
    subject: name,
    body,
    content_type: 'text/x-kom-basic',
    recipient_list: [{ type: 'to', recpt: { conf_no: recipient } }],
    comment_to_list: former === 0 ? [] : [{ type: 'comment', text_no: former }],
  })
  const textNo = ref(created, '/text_no')
  const read = kom.texts.markRead(textNo)
  const [text, isSet] = await kom.batchSettled([created, kom.persons.setPresentation(no, textNo), read])
  if (text.status === 'rejected') throw text.reason
  if (isSet.status === 'rejected') throw isSet.reason
  return text.value.text_no
}

/** Returns the number of a text that an earlier attempt has written, undefined if there is none. */
async function findWritten(kom: Kom, { persNo, former, name, body }: NewPresentation): Promise<number | undefined> {
  const { texts } = await kom.persons.texts(persNo, { no_of_texts: COMPARED })
  for (const { text_no, subject } of texts) {
    if (text_no <= former || !isSame(subject, name)) continue
    if (isSame((await kom.texts.get(text_no)).body, body)) return text_no
  }
  return undefined
}

function isSame(found: string | null | undefined, sent: string): boolean {
  return found?.normalize().trim() === sent.normalize().trim()
}
