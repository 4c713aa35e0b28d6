import { z } from 'zod'
import { type ContentType, MAX_CONTENT_TYPE, parseContentType } from '../../lyskom/content.ts'
import type { Draft } from '../../lyskom/create-text.ts'
import { nfc } from '../../protocol/nfc.ts'
import { LATIN1 } from '../../protocol/writer.ts'
import { decodeBase64 } from './base64.ts'
import { badRequest } from './body.ts'
import { confNo, textNo } from './numbers.ts'

const LF = Buffer.from('\n')
/** The most recipients and the most commented texts of a text: far more than a LysKOM server accepts. */
const MAX_LINKS = 1000

/** A string that UTF-8 can represent: JSON may hold lone surrogates, which would be lost. */
const unicode = z.string('must be a string.').refine((text) => text.isWellFormed(), 'holds a lone surrogate.')

const TYPE_REST = '[A-Za-z0-9_!#$&^.+-]+ *(?:;[ -~]*)?$'
/** What `toDraft` checks of a text and of an image, for the description. */
const KINDS = [
  { properties: { content_type: { pattern: `^ *text/${TYPE_REST}` }, content_encoding: { type: 'null' } } },
  {
    properties: {
      subject: { pattern: '^[\\u0000-\\u0009\\u000b-\\u00ff]*$' },
      body: { pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$' },
      content_type: { pattern: `^ *image/${TYPE_REST}` },
      content_encoding: { const: 'base64' },
    },
    required: ['content_encoding'],
  },
]

/** The JSON body of a new text. Clients may send whole recipient and link objects as they read them. */
export const NewText = z
  .object({
    subject: unicode.overwrite(nfc).regex(/^[^\n]*$/, 'must be one line.'),
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
  .meta({ anyOf: KINDS })

/** Builds the stored form of a text: UTF-8 for texts, the raw bytes after an ISO 8859-1 subject for images. */
export function toDraft(body: z.output<typeof NewText>, client: { name: string; version: string }): Draft {
  const contentType = parseContentType(body.content_type)
  if (contentType === undefined) throw badRequest('"content_type" is not a content type.')
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
    if (content_encoding != null) throw badRequest('"content_encoding" is allowed for images only.')
    // The name that the client gave the type is kept; the gateway sets the charset.
    const [name = ''] = content_type.split(';')
    const [, ...parameters] = type.split(';')
    const stored = [name.trim(), ...parameters, 'charset=utf-8'].join(';')
    return { text: Buffer.from(`${subject}\n${body}`), contentType: stored }
  }
  if (!type.startsWith('image/')) throw badRequest(`Unhandled content type: ${type}`)
  if (content_encoding == null) throw badRequest('Missing "content_encoding": images must be sent in base64.')
  const image = decodeBase64(body)
  if (image === undefined) throw badRequest('"body" is not base64.')
  if (!LATIN1.test(subject)) throw badRequest('"subject" of an image holds characters outside ISO 8859-1.')
  return { text: Buffer.concat([Buffer.from(subject, 'latin1'), LF, image]), contentType: type }
}
