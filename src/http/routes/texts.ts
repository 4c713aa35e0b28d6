import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { createText } from '../../lyskom/create-text.ts'
import { getMarks, markText, unmarkText } from '../../lyskom/marks.ts'
import { setRead } from '../../lyskom/memberships.ts'
import { MAX_TEXT_NO } from '../../lyskom/numbers.ts'
import { getBody, getText } from '../../lyskom/texts.ts'
import type { Env } from '../env.ts'
import { readBody, wholeNumber } from '../input/body.ts'
import { NewText, toDraft } from '../input/new-text.ts'
import { pathNumber } from '../input/parameters.ts'
import { namedErrors } from '../middleware/named-errors.ts'
import { requireLogin, type SessionMiddleware } from '../middleware/session.ts'
import { etaggedJson, knownTags, withEtag } from '../node/etag.ts'
import { empty, json, SECURITY } from '../node/responses.ts'
import { textJson } from '../output/json.ts'

const Mark = z.object({ type: wholeNumber(2 ** 8 - 1) })

/** Browsers must revalidate every read: they keep their cache when another person logs in. */
const REVALIDATED = 'private, no-cache'
/** The body of a text is displayed but never executed: HTML or SVG may not run scripts in the gateway's origin. */
const INERT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

/** Options of `textRoutes`. */
export interface TextRouteOptions {
  /** the prefix of the path in `Location` */
  basePath: string
  /** the request headers on which the representation of a text depends */
  vary: string
}

/** Texts, their bodies, marks and read markings; mounted under `/<server id>/texts`. */
export function textRoutes(
  { requireSession, requireSessionWithQuery }: SessionMiddleware,
  { basePath, vary }: TextRouteOptions,
) {
  const absent = namedErrors({ 'no-such-text': 404 })
  const respond = etaggedJson(vary)
  const unchanged = { 'Cache-Control': REVALIDATED, Vary: vary }
  const bodyHeaders = { ...unchanged, ...SECURITY, 'Content-Security-Policy': INERT }

  return new Hono<Env>({ strict: false })
    .post('/', requireSession, requireLogin, async (c) => {
      const draft = toDraft(await readBody(c, NewText), c.get('session').lyskom.client)
      const textNo = await createText(c.get('session').lyskom, draft)
      const location = `${basePath}/${c.get('session').serverId}/texts/${textNo}`
      return json({ text_no: textNo }, 201, { Location: location })
    })
    .get('/marks', requireSessionWithQuery, requireLogin, async (c) => {
      const marks = await getMarks(c.get('session').lyskom)
      return json({ marks: marks.map(({ textNo, type }) => ({ text_no: textNo, type })) })
    })
    .get('/:text_no{[0-9]+}', requireSessionWithQuery, requireLogin, absent, async (c) =>
      respond(c, textJson(await getText(c.get('session').lyskom, number(c)))),
    )
    .get('/:text_no{[0-9]+}/body', requireSessionWithQuery, requireLogin, absent, async (c) => {
      const { contentType, tag, body } = await getBody(c.get('session').lyskom, number(c), knownTags(c))
      if (body === undefined) return new Response(null, { status: 304, headers: withEtag(tag, unchanged) })
      const headers = withEtag(tag, bodyHeaders)
      const isDecoded = typeof body === 'string'
      headers['Content-Type'] = isDecoded ? `${contentType.type}; charset=utf-8` : contentType.type
      return new Response(isDecoded ? body : Buffer.from(body), { headers })
    })
    .put('/:text_no{[0-9]+}/mark', requireSession, requireLogin, absent, async (c) => {
      const { type } = await readBody(c, Mark)
      await markText(c.get('session').lyskom, number(c), type)
      return empty(201)
    })
    .delete('/:text_no{[0-9]+}/mark', requireSession, requireLogin, absent, async (c) => {
      await unmarkText(c.get('session').lyskom, number(c))
      return empty(204)
    })
    .put('/:text_no{[0-9]+}/read-marking', requireSession, requireLogin, async (c) => {
      await setRead(c.get('session').lyskom, number(c), true)
      return empty(201)
    })
    .delete('/:text_no{[0-9]+}/read-marking', requireSession, requireLogin, async (c) => {
      await setRead(c.get('session').lyskom, number(c), false)
      return empty(204)
    })
}

function number(c: Context): number {
  return pathNumber(c, 'text_no', MAX_TEXT_NO)
}
