import { Hono } from 'hono'
import { z } from 'zod'
import { MAX_TEXT_NO } from '../../lyskom/numbers.ts'
import { getTextHead, type TextHead, unlessGone } from '../../lyskom/texts.ts'
import { mapConcurrent } from '../../map-concurrent.ts'
import type { Env } from '../env.ts'
import { readBody, textNo } from '../input/body.ts'
import { pathNumber } from '../input/parameters.ts'
import { namedErrors } from '../middleware/named-errors.ts'
import { requireLogin, type SessionMiddleware } from '../middleware/session.ts'
import { json } from '../node/responses.ts'
import { textHeadJson } from '../output/json.ts'

const MAX_TEXTS = 100
const TextNos = z.object({
  text_nos: z.array(textNo, 'must be a list.').max(MAX_TEXTS, `must be ${MAX_TEXTS} numbers at most.`),
})

/** Texts without subject and body; mounted under `/<server id>/textstats`. */
export function textStatRoutes({ requireSession, requireSessionWithQuery }: SessionMiddleware) {
  return new Hono<Env>({ strict: false })
    .get('/:text_no{[0-9]+}', requireSessionWithQuery, requireLogin, namedErrors({ 'no-such-text': 404 }), async (c) =>
      json(textStatJson(await getTextHead(c.get('session').lyskom, pathNumber(c, 'text_no', MAX_TEXT_NO)))),
    )
    .post('/', requireSession, requireLogin, async (c) => {
      const { text_nos } = await readBody(c, TextNos)
      const { lyskom } = c.get('session')
      const stats = await mapConcurrent([...new Set(text_nos)], async (no) => {
        const head = no === 0 ? undefined : await unlessGone(getTextHead(lyskom, no))
        return [no, head === undefined ? null : textStatJson(head)] as const
      })
      return json({ text_stats: Object.fromEntries(stats) })
    })
}

function textStatJson(head: TextHead) {
  const { content_type: _, ...stat } = textHeadJson(head)
  return stat
}
