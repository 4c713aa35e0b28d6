import { z } from 'zod'
import { ConferenceName, Person } from './names.ts'
import { ListedText, TextStat } from './texts.ts'
import { count, sessionNo, textNo } from './values.ts'

const subject = z.string().nullable()
const EMPTY_OR_NULL = 'Empty for a text without a subject. Null for a user area'

export type ThreadText = z.output<typeof ThreadText>
export const ThreadText = ListedText.omit({ body: true })
  .extend({ subject: subject.describe(`${EMPTY_OR_NULL}.`) })
  .meta({ id: 'ThreadText', description: 'A text without its body.' })

export type TextPage = z.output<typeof TextPage>
export const TextPage = z
  .strictObject({
    texts: z.array(
      ListedText.extend({
        subject: subject.describe(`${EMPTY_OR_NULL}, and in a page without subjects.`),
      }).meta({ description: 'A text in a page: without its body, which is null.' }),
    ),
    has_more: z.boolean().describe('Whether there are older texts.'),
    next_before: textNo.nullable().describe('The `before` of the next page. Null if there are no older texts.'),
  })
  .meta({
    id: 'TextPage',
    description:
      'A page of texts, newest first, without those that the person may not read. It may be empty although there are more.',
  })

export type Thread = z.output<typeof Thread>
export const Thread = z
  .strictObject({
    root: textNo.describe('The topmost text.'),
    texts: z.record(z.string().regex(/^[0-9]+$/), ThreadText).describe('The texts by number.'),
    order: z.array(textNo).describe('The numbers of the texts, depth first. Each text is listed once.'),
    truncated: z.boolean().describe('Whether the limit left texts out.'),
  })
  .meta({ id: 'Thread', description: 'The comments and footnotes around a text, without those that may not be read.' })

export type TaggedTextStat = z.output<typeof TaggedTextStat>
export const TaggedTextStat = TextStat.extend({
  etag: z.string().describe('Changes when any other field does.'),
}).meta({ id: 'TaggedTextStat', description: 'A text without its subject, body and content type, with a tag.' })

export type OnlineSession = z.output<typeof OnlineSession>
export const OnlineSession = z
  .strictObject({
    session_no: sessionNo,
    person: Person,
    working_conference: ConferenceName.nullable().describe('Null for none, and for a secret conference.'),
    idle: count.describe('Seconds since the person was last active.'),
    client: z
      .strictObject({ name: z.string(), version: z.string() })
      .nullable()
      .describe('The client program. Null if the session of the request is not logged in.'),
    what_am_i_doing: z.string(),
    address: z
      .string()
      .nullable()
      .describe('The host that the client connects from. Null if the session of the request is not logged in.'),
  })
  .meta({ id: 'OnlineSession', description: 'A session of a person on the LysKOM server.' })
