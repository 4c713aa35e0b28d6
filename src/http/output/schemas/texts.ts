import { z } from 'zod'
import { AuxItem } from './aux-items.ts'
import { ConferenceName, Person } from './names.ts'
import { int8, int16, Time, textNo } from './values.ts'

export type Recipient = z.output<typeof Recipient>
export const Recipient = z
  .strictObject({
    type: z.enum(['to', 'cc', 'bcc']).describe('Only those who may see a `bcc` recipient receive it.'),
    recpt: ConferenceName,
    loc_no: textNo.describe('The local number of the text in this conference.'),
    sent_by: Person.nullable().describe('The person who added the recipient. Null for the author.'),
    sent_at: Time.nullable().describe('When the recipient was added. Null for the time of creation.'),
    rec_time: Time.nullable().describe('When the recipient received the text, if the LysKOM server records it.'),
  })
  .meta({ id: 'Recipient', description: 'A recipient of a text.' })

export type Link = z.output<typeof Link>
export const Link = z
  .strictObject({
    type: z.enum(['comment', 'footnote']),
    text_no: textNo,
    author: Person.nullable().describe('Null for a text that does not exist or that the person may not read.'),
  })
  .meta({ id: 'Link', description: 'A text that another text is linked to.' })

const head = {
  text_no: textNo,
  author: Person,
  no_of_marks: int16,
  creation_time: Time,
}
const links = {
  recipient_list: z.array(Recipient),
  comment_to_list: z.array(Link).describe('The texts that this one is a comment or footnote to.'),
  comment_in_list: z.array(Link).describe('The comments and footnotes to this text.'),
  aux_items: z.array(AuxItem),
}
const content_type = z
  .string()
  .describe('The content type, without its charset. `text/plain` for a text that has none.')

export type TextStat = z.output<typeof TextStat>
export const TextStat = z
  .strictObject({ ...head, ...links })
  .meta({ id: 'TextStat', description: 'A text without its subject, body and content type.' })

export type ListedText = z.output<typeof ListedText>
export const ListedText = z
  .strictObject({ ...head, content_type, ...links, subject: z.null(), body: z.null() })
  .meta({ id: 'ListedText', description: 'A text in a list: without its subject and body, which are null.' })

export type Text = z.output<typeof Text>
export const Text = z
  .strictObject({
    ...head,
    content_type,
    ...links,
    subject: z.string().nullable().describe('Empty for a text without a subject. Null for a user area.'),
    body: z
      .string()
      .exactOptional()
      .describe('Missing unless the content type is `text/*` or `x-kom/user-area`. Get other bodies from `/body`.'),
  })
  .meta({ id: 'Text', description: 'A text.' })

export type TextCreated = z.output<typeof TextCreated>
export const TextCreated = z
  .strictObject({ text_no: textNo })
  .meta({ id: 'TextCreated', description: 'The number of a new text.' })

export type Mark = z.output<typeof Mark>
export const Mark = z
  .strictObject({ text_no: textNo, type: int8.describe('The meaning is up to the client.') })
  .meta({ id: 'Mark', description: 'A mark of the person on a text.' })
