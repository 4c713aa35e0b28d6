import { z } from 'zod'
import { type ContentType, MAX_CONTENT_TYPE, parseContentType } from '../lyskom/content.ts'
import type { Draft } from '../lyskom/texts.ts'
import { LATIN1 } from '../protocol/writer.ts'
import { decodeBase64 } from './base64.ts'
import { badRequest, confNo, nfc, textNo } from './body.ts'

const LF = Buffer.from('\n')
/** Recipients of a text, and texts that it comments: far more than a LysKOM server takes. */
const MAX_LINKS = 1000

/** What UTF-8 can hold: JSON can say half a character, and half of it would be lost. */
const unicode = z.string('must be a string.').refine((text) => text.isWellFormed(), 'holds half a character.')

/** A text as a client posts it; whole copies of what it has read will do for recipients and links. */
export const NewText = z.object({
  subject: unicode.overwrite(nfc).refine((subject) => !subject.includes('\n'), 'must be one line.'),
  body: unicode,
  content_type: z.string('must be a string.').max(MAX_CONTENT_TYPE, `is longer than ${MAX_CONTENT_TYPE} characters.`),
  content_encoding: z.literal('base64', 'must be base64.').nullish(),
  recipient_list: z
    .array(
      z.object(
        {
          type: z.enum(['to', 'cc', 'bcc'], 'must be to, cc or bcc.'),
          recpt: z.object({ conf_no: confNo }, 'must be an object.'),
        },
        'must be an object.',
      ),
      'must be a list.',
    )
    .max(MAX_LINKS, `has more than ${MAX_LINKS} items.`)
    .nullish(),
  comment_to_list: z
    .array(
      z.object(
        { type: z.enum(['comment', 'footnote'], 'must be comment or footnote.'), text_no: textNo },
        'must be an object.',
      ),
      'must be a list.',
    )
    .max(MAX_LINKS, `has more than ${MAX_LINKS} items.`)
    .nullish(),
})

/** Puts together what is stored: texts in UTF-8, images as their bytes behind a subject in ISO 8859-1. */
export function toDraft(body: z.output<typeof NewText>, client: { name: string; version: string }): Draft {
  const contentType = parseContentType(body.content_type)
  if (contentType === undefined) throw badRequest('"content_type" is no content type.')
  return {
    ...content(body, contentType),
    recipients: (body.recipient_list ?? []).map(({ type, recpt }) => ({ type, confNo: recpt.conf_no })),
    commentTo: (body.comment_to_list ?? []).map(({ type, text_no }) => ({ type, textNo: text_no })),
    software: `${client.name} ${client.version}`,
  }
}

function content(
  { subject, body, content_type, content_encoding }: z.output<typeof NewText>,
  { type }: ContentType,
): Pick<Draft, 'text' | 'contentType'> {
  if (type.startsWith('text/')) {
    if (content_encoding != null) throw badRequest('"content_encoding" is for images; a text is sent as it is.')
    // The name by which the client knows the type is kept; that of the charset is ours to give.
    const [name = ''] = content_type.split(';')
    const [, ...parameters] = type.split(';')
    const stored = [name.trim(), ...parameters, 'charset=utf-8'].join(';')
    return { text: Buffer.from(`${subject}\n${body}`), contentType: stored }
  }
  if (!type.startsWith('image/')) throw badRequest(`Unhandled content type: ${type}`)
  if (content_encoding == null) throw badRequest('Missing "content_encoding": an image is sent in base64.')
  const image = decodeBase64(body)
  if (image === undefined) throw badRequest('"body" is not base64.')
  if (!LATIN1.test(subject)) throw badRequest('"subject" of an image holds characters outside ISO 8859-1.')
  return { text: Buffer.concat([Buffer.from(subject, 'latin1'), LF, image]), contentType: type }
}
