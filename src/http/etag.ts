import { hash } from 'node:crypto'
import type { Context } from 'hono'
import { JSON_HEADERS } from './answer.ts'
import { header } from './header.ts'

/**
 * Makes JSON responses with a strong `ETag`, or 304 without a body when `If-None-Match` holds that tag.
 *
 * Replaces `hono/etag`, which clones the finished response and hashes it with Web Crypto on the thread pool: it took
 * three quarters of the rate of `GET /texts/<no>`.
 * @param vary the request headers on which the representation depends
 */
export function etaggedJson(vary: string): (c: Context, value: unknown) => Response {
  const unchanged = Object.freeze({ 'Cache-Control': 'no-cache', Vary: vary })
  const headers = Object.freeze({ ...JSON_HEADERS, Vary: vary })
  return (c, value) => {
    const body = JSON.stringify(value)
    // Not a secret and not a signature: the hash only has to differ where the bodies differ.
    const tag = `"${hash('sha1', body, 'base64url')}"`
    return knownTags(c).some((known) => known === tag || known === '*')
      ? new Response(null, { status: 304, headers: withEtag(tag, unchanged) })
      : new Response(body, { headers: withEtag(tag, headers) })
  }
}

const NO_TAGS: readonly string[] = []

/** The entity tags of `If-None-Match` in their quotes, for weak comparison (RFC 9110, 13.1.2), or `*`, which is any tag. */
export function knownTags(c: Context): readonly string[] {
  const condition = header(c, 'if-none-match')
  if (condition === undefined) return NO_TAGS
  return condition.trim() === '*' ? ['*'] : (condition.match(/"[^"]*"/g) ?? NO_TAGS)
}

/** @param tag in its quotes */
export function withEtag(tag: string, headers: Readonly<Record<string, string>>): Record<string, string> {
  // Not by spreading, which V8 does five times as slowly here.
  return Object.assign({ ETag: tag }, headers)
}
