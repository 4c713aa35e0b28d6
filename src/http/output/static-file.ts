import type { Context } from 'hono'
import { entityTag, isUnchanged, withEtag } from '../node/etag.ts'
import { SECURITY } from '../node/responses.ts'

/** A file of a page. */
export interface StaticFile {
  body: Uint8Array<ArrayBuffer>
  contentType: string
  /** the entity tag in its quotes */
  tag: string
}

const UNCHANGED = { 'Cache-Control': 'no-cache' }

/** Returns a file with its entity tag. */
export function staticFile(body: Uint8Array<ArrayBuffer>, contentType: string): StaticFile {
  return { body, contentType, tag: entityTag(body) }
}

/**
 * Responds with a file that clients have to revalidate, or with 304 without a body when the client has it.
 * @param headers besides those of every page
 */
export function respondWithFile(
  c: Context,
  { body, contentType, tag }: StaticFile,
  headers: Readonly<Record<string, string>>,
): Response {
  if (isUnchanged(c, tag)) return new Response(null, { status: 304, headers: withEtag(tag, UNCHANGED) })
  const all = { ...UNCHANGED, ...SECURITY, ...headers, 'Content-Type': contentType }
  return new Response(body, { headers: withEtag(tag, all) })
}

/** Redirects to the URL of a page with which its relative URLs are right. @param location a relative URL */
export function redirectToPage(location: string): Response {
  return new Response(null, { status: 308, headers: { ...UNCHANGED, ...SECURITY, Location: location } })
}
