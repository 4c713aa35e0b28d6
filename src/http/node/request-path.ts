/**
 * Hono routes by the normalized URL, in which dot segments are resolved: only Node's raw request target is what a
 * reverse proxy has seen and checked. Hono does not merge runs of slashes either, which some clients send.
 */

import { getPath } from 'hono/utils/url'
import type { Env } from '../env.ts'

/** No route is as deep, and no client path equals it, since runs of slashes are merged. */
const OUTSIDE = '/'.repeat(8)
/** The path of every request whose target holds a dot segment. No route matches it. */
export const DOT_SEGMENT_PATH = `${OUTSIDE}..`

const MAY_HOLD_DOT = /\.|%(?:25)*2e/i
const PATH = /^[^?#]*/
/** Characters that the URL parser removes at any position. */
const IGNORED_BY_URL = /[\t\n\r]/g
const SLASH = '(?:[/\\\\]|%(?:25)*(?:2f|5c))'
const DOT = '(?:\\.|%(?:25)*2e)'
const DOT_SEGMENT = new RegExp(`(?:^|${SLASH})${DOT}{1,2}(?:$|${SLASH})`, 'i')
const SLASHES = /\/{2,}/g

/**
 * Returns Hono's `getPath` for an application below a base path. It returns the decoded path that the routes match,
 * without the base path and a trailing slash, runs of slashes merged. Requests outside the base path get a path that no
 * route matches; requests with a dot segment get `DOT_SEGMENT_PATH`.
 *
 * @param basePath `/kom` for example; empty for none
 */
export function pathUnder(basePath: string): (request: Request, options?: { env?: Env['Bindings'] }) => string {
  return (request, options) => {
    // `request.url` is normalized already: only the raw target is what a reverse proxy has seen.
    if (holdsDotSegment(options?.env?.incoming?.url ?? request.url)) return DOT_SEGMENT_PATH
    const path = withoutExtraSlashes(getPath(request))
    if (basePath === '') return path
    if (path === basePath) return '/'
    return path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : OUTSIDE
  }
}

/**
 * Returns whether a request target (RFC 9112, 3.2) holds `.` or `..` as a segment, in any percent-encoding and between
 * slashes or backslashes. Proxies and URL parsers resolve these differently, so they may not agree on the path.
 */
export function holdsDotSegment(target: string): boolean {
  if (!MAY_HOLD_DOT.test(target)) return false
  const [path = ''] = PATH.exec(target.replace(IGNORED_BY_URL, '')) ?? []
  return DOT_SEGMENT.test(path)
}

/** Merges runs of slashes and drops a trailing slash. */
export function withoutExtraSlashes(path: string): string {
  const merged = path.includes('//') ? path.replace(SLASHES, '/') : path
  return merged.length > 1 && merged.endsWith('/') ? merged.slice(0, -1) : merged
}
