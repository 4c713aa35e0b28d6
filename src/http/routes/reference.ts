import type { Context } from 'hono'
import { z } from 'zod'
import { redirectToPage, respondWithFile } from '../output/static-file.ts'
import { ASSETS, PAGE, type ReferenceFileName, referenceFile } from '../reference/files.ts'
import { type AnyRoute, route } from './route.ts'

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

/** The reference: a page that displays `openapi.json` and sends requests. */
export function referenceRoutes(): AnyRoute[] {
  return [
    route({
      method: 'GET',
      path: '/docs',
      operation: 'getReference',
      summary: 'Returns the reference of this API as a page',
      needs: 'nothing',
      responses: {
        200: { type: 'text/html; charset=utf-8', headers: ['ETag'] },
        304: { headers: ['ETag'] },
        308: { headers: ['Location'] },
      },
      // The URLs in the page are relative to a path without a trailing slash.
      handle: (c) => (new URL(c.req.url).pathname.endsWith('/') ? redirectToPage('../docs') : respond(c, PAGE)),
    }),
    route({
      method: 'GET',
      path: `/docs/:file{${ASSETS.join('|').replaceAll('.', '\\.')}}`,
      operation: 'getReferenceFile',
      summary: 'Returns a script or a style sheet of the reference',
      needs: 'nothing',
      params: { file: z.enum(ASSETS) },
      responses: { 200: { type: '*/*', headers: ['ETag'] }, 304: { headers: ['ETag'] } },
      rejects: ['not-found'],
      handle: (c, { params }) => respond(c, params.file),
    }),
  ]
}

async function respond(c: Context, name: ReferenceFileName): Promise<Response> {
  return respondWithFile(c, await referenceFile(name), HEADERS)
}
