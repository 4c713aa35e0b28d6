import { accepts } from 'hono/accepts'
import { z } from 'zod'
import { RequestError } from '../errors/request-error.ts'
import { SECURITY } from '../node/responses.ts'
import { redirectToPage, respondWithFile } from '../output/static-file.ts'
import { CODINGS, webFiles } from '../web.ts'
import { type AnyRoute, route } from './route.ts'

const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; " +
    "frame-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
const ASSET_HEADERS = {
  ...SECURITY,
  // The names of assets hold hashes of their contents.
  'Cache-Control': 'public, max-age=31536000, immutable',
  Vary: 'Accept-Encoding',
}
const SUPPORTED = Object.keys(CODINGS)

/** The web client: its page, and what browsers need to install it. */
export function readerRoutes(): AnyRoute[] {
  return [
    pageRoute({ page: '', operation: 'getWebClient', summary: 'Returns the page of the web client' }),
    fileRoute('sw.js', 'getWebClientWorker', 'Returns the service worker of the web client'),
    fileRoute('app.webmanifest', 'getWebClientManifest', 'Returns the web app manifest of the web client'),
  ]
}

/** The page of the operator's console. */
export function consoleRoute(): AnyRoute {
  return pageRoute({ page: 'console', operation: 'getConsole', summary: "Returns the page of the operator's console" })
}

/**
 * The scripts, style sheets and images of the web applications.
 *
 * Not `serveStatic` of Hono's Node server: its responses have no `ETag`, it ignores the quality of `Accept-Encoding`
 * (`br;q=0`), varies only the compressed responses, and reads a file for each request.
 */
export function assetRoute(): AnyRoute {
  return route({
    method: 'GET',
    path: '/app/assets/:file',
    operation: 'getWebClientFile',
    summary: 'Returns a script, a style sheet or an image of the web client or the console',
    needs: 'nothing',
    params: { file: z.string() },
    responses: { 200: { type: '*/*', headers: ['Vary'] } },
    rejects: ['not-found'],
    async handle(c, { params }) {
      const { contentType, bodies } = found((await webFiles()).assets.get(params.file))
      const coding = accepts(c, {
        header: 'Accept-Encoding',
        supports: SUPPORTED,
        default: 'identity',
        match: (accepted) =>
          SUPPORTED.find((each) => accepted.some(({ type, q }) => type === each && q > 0)) ?? 'identity',
      })
      const encoded = coding === 'identity' ? undefined : { 'Content-Encoding': coding }
      return new Response(bodies.get(coding), {
        headers: { ...ASSET_HEADERS, ...encoded, 'Content-Type': contentType },
      })
    },
  })
}

/** Declares a page. The URLs in it are relative: to `/app/` for both pages. */
function pageRoute({ page, ...names }: { page: '' | 'console'; operation: string; summary: string }): AnyRoute {
  return route({
    method: 'GET',
    path: page === '' ? '/app' : `/app/${page}`,
    ...names,
    needs: 'nothing',
    responses: {
      200: { type: 'text/html; charset=utf-8', headers: ['ETag'] },
      304: { headers: ['ETag'] },
      308: { headers: ['Location'] },
    },
    rejects: ['not-found'],
    async handle(c) {
      const hasSlash = new URL(c.req.url).pathname.endsWith('/')
      if (page === '' && !hasSlash) return redirectToPage('app/')
      if (page !== '' && hasSlash) return redirectToPage(`../${page}`)
      return respondWithFile(c, found((await webFiles()).pages.get(page)), PAGE_HEADERS)
    },
  })
}

/** Declares a file whose name holds no hash. */
function fileRoute(name: string, operation: string, summary: string): AnyRoute {
  return route({
    method: 'GET',
    path: `/app/${name}`,
    operation,
    summary,
    needs: 'nothing',
    responses: { 200: { type: '*/*', headers: ['ETag'] }, 304: { headers: ['ETag'] } },
    rejects: ['not-found'],
    async handle(c) {
      return respondWithFile(c, found((await webFiles()).files.get(name)), PAGE_HEADERS)
    },
  })
}

/** @throws RequestError `not-found` (404) for undefined */
function found<T>(file: T | undefined): T {
  if (file === undefined) throw new RequestError('not-found', 'Not found.')
  return file
}
