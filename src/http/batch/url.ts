import { InvalidFieldError, invalid } from '../../protocol/json/invalid-field-error.ts'
import { holdsDotSegment } from '../node/request-path.ts'
import { parseReference, type Reference } from './references.ts'

/** A url relative to the LysKOM server of the batch, as its literal parts and the references between them. */
export type UrlTemplate = readonly (string | Reference)[]

/** The largest length of a url in a batch. */
export const MAX_URL = 8192
const REFERENCE = /\{([^{}]*)\}/
/** The characters of RFC 3986 that a path and a query may hold. */
const ALLOWED = /^\/[\w\-.~!$&'()*+,;=:@/%?]*$/
const PERCENT = /%(?![0-9a-f]{2})/i
/** A slash, a backslash or a control character, percent-encoded any number of times. */
const ENCODED = /%(?:25)*(?:2f|5c|[01][0-9a-f]|7f)/i
/** The characters that a reference may insert into a url: those that RFC 3986 calls unreserved. */
const UNRESERVED = /^[A-Za-z0-9\-_.~]+$/

/**
 * Parses the url of a request. References stand in braces: `/texts/{a#/text_no}`.
 * @param ids the ids of all requests of the batch
 * @throws InvalidFieldError for a url that is not a path with an optional query, and for an invalid reference
 */
export function parseUrl(text: string, ids: ReadonlySet<string>): UrlTemplate {
  if (text.length > MAX_URL) throw invalid(`is longer than ${MAX_URL} characters.`)
  const template = text.split(REFERENCE).map((part, i) => (i % 2 === 0 ? part : parseReference(part, ids)))
  checkUrl(template.map((part) => (typeof part === 'string' ? part : '0')).join(''))
  return template
}

/**
 * Returns a url with its references replaced by their values.
 * @returns undefined if a value is not a scalar of unreserved characters, or if the result is not a valid url
 */
export function fillUrl(template: UrlTemplate, resolve: (reference: Reference) => unknown): string | undefined {
  if (template.length === 1) return template[0] as string
  let url = ''
  for (const part of template) {
    const inserted = typeof part === 'string' ? part : scalar(resolve(part))
    if (inserted === undefined) return undefined
    url += inserted
  }
  try {
    checkUrl(url)
  } catch (error) {
    // Values may compose a dot segment.
    if (error instanceof InvalidFieldError) return undefined
    throw error
  }
  return url
}

function scalar(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined
  const text = String(value)
  return UNRESERVED.test(text) ? text : undefined
}

/** @throws InvalidFieldError unless the url is a path with an optional query that all programs read in the same way */
function checkUrl(url: string): void {
  if (url.length > MAX_URL) throw invalid(`is longer than ${MAX_URL} characters.`)
  if (!url.startsWith('/')) throw invalid('must begin with a slash: it is relative to the LysKOM server.')
  if (!ALLOWED.test(url) || PERCENT.test(url)) {
    throw invalid('holds characters that a path and a query must percent-encode, or a fragment.')
  }
  const [path = ''] = url.split('?', 1)
  if (path.includes('//')) throw invalid('holds an empty segment.')
  if (holdsDotSegment(path)) throw invalid('holds a dot segment.')
  if (ENCODED.test(path)) throw invalid('holds a percent-encoded slash, backslash or control character.')
}
