import { z } from 'zod'
import { createText } from '../../lyskom/create-text.ts'
import { getMarks, markText, unmarkText } from '../../lyskom/marks.ts'
import { setRead } from '../../lyskom/memberships.ts'
import { getBody, getText } from '../../lyskom/texts.ts'
import { NewText, toDraft } from '../input/new-text.ts'
import { textNoParameter, wholeNumber } from '../input/numbers.ts'
import { etaggedJson, knownTags, withEtag } from '../node/etag.ts'
import { empty, json, SECURITY } from '../node/responses.ts'
import { markJson, textJson } from '../output/json.ts'
import { Mark, Text, TextCreated } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

const NewMark = z.object({ type: wholeNumber(2 ** 8 - 1) })

/** Browsers must revalidate every read: they keep their cache when another person logs in. */
const REVALIDATED = 'private, no-cache'
/**
 * The body of a text is displayed but never executed: HTML or SVG may not run scripts in the gateway's origin. The web
 * client, which has the same origin, may display it in a frame.
 */
const INERT = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox",
  'X-Frame-Options': 'SAMEORIGIN',
}

/** Options of `textRoutes`. */
export interface TextRouteOptions {
  /** the prefix of the path in `Location` */
  basePath: string
  /** the request headers on which the representation of a text depends */
  vary: string
}

/** Texts, their bodies, marks and read markings. */
export function textRoutes({ basePath, vary }: TextRouteOptions): AnyRoute[] {
  const respond = etaggedJson(vary)
  const unchanged = { 'Cache-Control': REVALIDATED, Vary: vary }
  const bodyHeaders = { ...unchanged, ...SECURITY, ...INERT }
  const params = { text_no: textNoParameter }
  const errors = { 'no-such-text': 404 } as const

  return [
    route({
      method: 'POST',
      path: '/:server/texts',
      operation: 'createText',
      summary: 'Creates a text',
      needs: 'login',
      body: NewText,
      responses: { 201: { schema: TextCreated, headers: ['Location'] } },
      example: {
        body: {
          subject: 'Hello',
          body: 'Hello, all',
          content_type: 'text/plain',
          recipient_list: [
            { type: 'to', recpt: { conf_no: 9 } },
            { type: 'cc', recpt: { conf_no: 6 } },
          ],
          comment_to_list: [{ type: 'comment', text_no: 36 }],
        },
      },
      async handle(c, { body }) {
        const session = c.get('session')
        const textNo = await createText(session.lyskom, toDraft(body, session.lyskom.client))
        return json({ text_no: textNo }, 201, { Location: `${basePath}/${session.serverId}/texts/${textNo}` })
      },
    }),
    route({
      method: 'GET',
      path: '/:server/texts/marks',
      operation: 'listMarks',
      summary: "Lists the person's marks",
      needs: 'login',
      idFrom: 'header-or-query',
      responses: { 200: { schema: z.strictObject({ marks: z.array(Mark) }) } },
      example: {},
      async handle(c) {
        const marks = await getMarks(c.get('session').lyskom)
        return json({ marks: marks.map(markJson) })
      },
    }),
    route({
      method: 'GET',
      path: '/:server/texts/:text_no{[0-9]+}',
      operation: 'getText',
      summary: 'Returns a text',
      needs: 'login',
      idFrom: 'header-or-query',
      params,
      responses: { 200: { schema: Text, headers: ['ETag', 'Vary'] }, 304: { headers: ['ETag', 'Vary'] } },
      errors,
      example: { params: { text_no: 41 } },
      handle: async (c, { params: { text_no } }) =>
        respond(c, textJson(await getText(c.get('session').lyskom, text_no))),
    }),
    route({
      method: 'GET',
      path: '/:server/texts/:text_no{[0-9]+}/body',
      operation: 'getTextBody',
      summary: 'Returns the body of a text in its content type',
      needs: 'login',
      idFrom: 'header-query-or-ticket',
      params,
      responses: { 200: { type: '*/*', headers: ['ETag', 'Vary'] }, 304: { headers: ['ETag', 'Vary'] } },
      errors,
      example: { params: { text_no: 9 } },
      async handle(c, { params: { text_no } }) {
        const { contentType, tag, body } = await getBody(c.get('session').lyskom, text_no, knownTags(c))
        if (body === undefined) return new Response(null, { status: 304, headers: withEtag(tag, unchanged) })
        const headers = withEtag(tag, bodyHeaders)
        const isDecoded = typeof body === 'string'
        headers['Content-Type'] = isDecoded ? `${contentType.type}; charset=utf-8` : contentType.type
        return new Response(isDecoded ? body : Buffer.from(body), { headers })
      },
    }),
    route({
      method: 'PUT',
      path: '/:server/texts/:text_no{[0-9]+}/mark',
      operation: 'markText',
      summary: 'Marks a text',
      needs: 'login',
      params,
      body: NewMark,
      responses: { 201: {} },
      errors,
      example: { params: { text_no: 9 }, body: { type: 100 } },
      async handle(c, { params: { text_no }, body }) {
        await markText(c.get('session').lyskom, text_no, body.type)
        return empty(201)
      },
    }),
    route({
      method: 'DELETE',
      path: '/:server/texts/:text_no{[0-9]+}/mark',
      operation: 'unmarkText',
      summary: 'Removes a mark',
      needs: 'login',
      params,
      responses: { 204: {} },
      errors,
      example: { params: { text_no: 7 } },
      async handle(c, { params: { text_no } }) {
        await unmarkText(c.get('session').lyskom, text_no)
        return empty(204)
      },
    }),
    route({
      method: 'PUT',
      path: '/:server/texts/:text_no{[0-9]+}/read-marking',
      operation: 'markTextAsRead',
      summary: 'Marks a text as read',
      needs: 'login',
      params,
      responses: { 201: {} },
      example: { params: { text_no: 41 } },
      async handle(c, { params: { text_no } }) {
        await setRead(c.get('session').lyskom, text_no, true)
        return empty(201)
      },
    }),
    route({
      method: 'DELETE',
      path: '/:server/texts/:text_no{[0-9]+}/read-marking',
      operation: 'markTextAsUnread',
      summary: 'Marks a text as unread',
      needs: 'login',
      params,
      responses: { 204: {} },
      example: { params: { text_no: 41 } },
      async handle(c, { params: { text_no } }) {
        await setRead(c.get('session').lyskom, text_no, false)
        return empty(204)
      },
    }),
  ]
}
