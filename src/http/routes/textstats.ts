import { hash } from 'node:crypto'
import { z } from 'zod'
import { MAX_TEXT_NO } from '../../lyskom/numbers.ts'
import type { LyskomSession } from '../../lyskom/session.ts'
import { getTextHead, type TextHead, unlessGone } from '../../lyskom/texts.ts'
import { mapConcurrent } from '../../map-concurrent.ts'
import { digitsUpTo } from '../../protocol/json/digits.ts'
import { textNo, textNoParameter } from '../input/numbers.ts'
import { json } from '../node/responses.ts'
import { textHeadJson } from '../output/json.ts'
import { TaggedTextStat, TextStat } from '../output/schemas/index.ts'
import { textNo as listedTextNo } from '../output/schemas/values.ts'
import { type AnyRoute, route } from './route.ts'

const MAX_TEXTS = 100
const TOO_MANY = `must be ${MAX_TEXTS} numbers at most.`

/** Entity tags of text statuses that the client has, by text number; null for a text without one. */
const Tags = z.record(z.string().regex(digitsUpTo(MAX_TEXT_NO)), z.string('must be a string.').nullable(), {
  error: ({ code }) => (code === 'invalid_key' ? 'must have a text number as its name.' : 'must be an object.'),
})

const TextNos = z
  .object({
    text_nos: z.array(textNo, 'must be a list.').max(MAX_TEXTS, TOO_MANY).optional(),
    text_stats: Tags.optional().describe('The `etag` of each text that the client has. Null for other texts.'),
  })
  .superRefine(({ text_nos, text_stats }, { addIssue }) => {
    const error = (field: string, message: string): void => addIssue({ code: 'custom', path: [field], message })
    if (text_nos === undefined && text_stats === undefined) error('text_nos', 'must be a list.')
    const all = (text_nos?.length ?? 0) + Object.keys(text_stats ?? {}).length
    if (text_stats !== undefined && all > MAX_TEXTS) error('text_stats', TOO_MANY)
  })
  .meta({ anyOf: [{ required: ['text_nos'] }, { required: ['text_stats'] }] })

/** Returns the schema of texts by number. */
function byNumber<S extends z.ZodType>(schema: S) {
  return z.record(z.string().regex(/^[0-9]+$/), schema.nullable())
}

/** Texts without subject and body. */
export function textStatRoutes(): AnyRoute[] {
  return [
    route({
      method: 'GET',
      path: '/:server/textstats/:text_no{[0-9]+}',
      operation: 'getTextStat',
      summary: 'Returns a text without subject and body',
      needs: 'login',
      idFrom: 'header-or-query',
      params: { text_no: textNoParameter },
      responses: { 200: { schema: TextStat } },
      errors: { 'no-such-text': 404 },
      example: { params: { text_no: 46 } },
      handle: async (c, { params: { text_no } }) =>
        json(textStatJson(await getTextHead(c.get('session').lyskom, text_no))),
    }),
    route({
      method: 'POST',
      path: '/:server/textstats',
      operation: 'getTextStats',
      summary: `Returns up to ${MAX_TEXTS} texts without subject and body`,
      description: 'With `text_stats`, each text has an `etag`, and texts whose tag the client has are in `unchanged`.',
      needs: 'login',
      body: TextNos,
      responses: {
        200: {
          description: 'The texts by number; null for a text that does not exist or may not be read',
          schema: z.union([
            z.strictObject({ text_stats: byNumber(TextStat) }),
            z.strictObject({ text_stats: byNumber(TaggedTextStat), unchanged: z.array(listedTextNo) }),
          ]),
        },
      },
      example: { body: { text_nos: [46, 37] } },
      async handle(c, { body: { text_nos = [], text_stats } }) {
        const tags = new Map(Object.entries(text_stats ?? {}).map(([no, tag]) => [Number(no), tag]))
        const stats = await getTextStats(c.get('session').lyskom, new Set([...text_nos, ...tags.keys()]))
        return json(text_stats === undefined ? { text_stats: Object.fromEntries(stats) } : changesOf(stats, tags))
      },
    }),
  ]
}

type NumberedStat = readonly [textNo: number, stat: TextStat | null]

function getTextStats(lyskom: LyskomSession, textNos: ReadonlySet<number>): Promise<NumberedStat[]> {
  return mapConcurrent([...textNos], async (no) => {
    const head = no === 0 ? undefined : await unlessGone(getTextHead(lyskom, no))
    return [no, head === undefined ? null : textStatJson(head)]
  })
}

/** Adds a tag to each text, and leaves out the texts whose tag the client has. */
function changesOf(stats: readonly NumberedStat[], tags: ReadonlyMap<number, string | null>) {
  const changed: Record<number, TaggedTextStat | null> = {}
  const unchanged: number[] = []
  for (const [no, stat] of stats) {
    // The hash has no security purpose: it only has to differ where the texts differ.
    const etag = hash('sha1', JSON.stringify(stat), 'base64url')
    if (stat !== null && tags.get(no) === etag) unchanged.push(no)
    else changed[no] = stat && { ...stat, etag }
  }
  return { text_stats: changed, unchanged }
}

function textStatJson(head: TextHead): TextStat {
  const { content_type: _, ...stat } = textHeadJson(head)
  return stat
}
