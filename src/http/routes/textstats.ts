import { z } from 'zod'
import { getTextHead, type TextHead, unlessGone } from '../../lyskom/texts.ts'
import { mapConcurrent } from '../../map-concurrent.ts'
import { textNo, textNoParameter } from '../input/numbers.ts'
import { json } from '../node/responses.ts'
import { textHeadJson } from '../output/json.ts'
import { TextStat } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

const MAX_TEXTS = 100
const TextNos = z.object({
  text_nos: z.array(textNo, 'must be a list.').max(MAX_TEXTS, `must be ${MAX_TEXTS} numbers at most.`),
})

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
      handle: async (c, { params: { text_no } }) =>
        json(textStatJson(await getTextHead(c.get('session').lyskom, text_no))),
    }),
    route({
      method: 'POST',
      path: '/:server/textstats',
      operation: 'getTextStats',
      summary: `Returns up to ${MAX_TEXTS} texts without subject and body`,
      needs: 'login',
      body: TextNos,
      responses: {
        200: {
          description: 'The texts by number; null for a text that does not exist or may not be read',
          schema: z.strictObject({ text_stats: z.record(z.string().regex(/^[0-9]+$/), TextStat.nullable()) }),
        },
      },
      async handle(c, { body: { text_nos } }) {
        const { lyskom } = c.get('session')
        const stats = await mapConcurrent([...new Set(text_nos)], async (no) => {
          const head = no === 0 ? undefined : await unlessGone(getTextHead(lyskom, no))
          return [no, head === undefined ? null : textStatJson(head)] as const
        })
        return json({ text_stats: Object.fromEntries(stats) })
      },
    }),
  ]
}

function textStatJson(head: TextHead): TextStat {
  const { content_type: _, ...stat } = textHeadJson(head)
  return stat
}
