import { z } from 'zod'
import { entityTag, isUnchanged, withEtag } from '../node/etag.ts'
import { JSON_HEADERS } from '../node/responses.ts'
import { type AnyRoute, route } from '../routes/route.ts'
import type { JsonSchema } from './schemas.ts'

const UNCHANGED = { 'Cache-Control': 'no-cache' }

/** The description of the API. @param describe builds the document; called once, for the first request */
export function descriptionRoute(describe: () => Promise<JsonSchema>): AnyRoute {
  let built: Promise<{ body: string; tag: string }> | undefined
  const build = async () => {
    const body = JSON.stringify(await describe())
    return { body, tag: entityTag(body) }
  }
  return route({
    method: 'GET',
    path: '/openapi.json',
    operation: 'getDescription',
    summary: 'Returns the description of this API in OpenAPI 3.1',
    needs: 'nothing',
    responses: {
      200: { schema: z.looseObject({ openapi: z.literal('3.1.0') }), headers: ['ETag'] },
      304: { headers: ['ETag'] },
    },
    async handle(c) {
      built ??= build()
      const { body, tag } = await built
      return isUnchanged(c, tag)
        ? new Response(null, { status: 304, headers: withEtag(tag, UNCHANGED) })
        : new Response(body, { headers: withEtag(tag, JSON_HEADERS) })
    },
  })
}
