/**
 * With Hono's `c.header` for the five headers of every response, who-am-i had half the throughput (8,800 instead of
 * 16,500 requests/s on 32 connections); with a `Headers` object, 3 % less. These responses have precomputed static
 * headers in a plain object.
 */

/**
 * Security headers of every response: no content type sniffing, no referrer, no framing. Pages of other origins may
 * embed the resources that they may read, so `Cross-Origin-Resource-Policy` is `cross-origin`.
 */
export const SECURITY = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'cross-origin',
}
/** Default headers of responses that set no caching rules themselves: the content may change at any time. */
const CHANGING = Object.freeze({ 'Cache-Control': 'no-cache', ...SECURITY })
/** Headers of JSON responses. */
export const JSON_HEADERS = Object.freeze({ ...CHANGING, 'Content-Type': 'application/json' })
const NDJSON_HEADERS = Object.freeze({
  ...CHANGING,
  'Content-Type': 'application/x-ndjson',
  'X-Accel-Buffering': 'no',
})
const TEXT_HEADERS = Object.freeze({ ...CHANGING, 'Content-Type': 'text/plain; charset=utf-8' })

type PlainHeaders = Readonly<Record<string, string>>

/** Returns a JSON response. @param value anything that `JSON.stringify` accepts */
export function json(value: unknown, status = 200, headers?: PlainHeaders): Response {
  return new Response(JSON.stringify(value), { status, headers: merged(JSON_HEADERS, headers) })
}

/** Returns a streamed JSON response. @param pieces the JSON in chunks of UTF-8 */
export function jsonStream(pieces: AsyncIterable<Uint8Array>): Response {
  return new Response(ReadableStream.from(pieces), { headers: JSON_HEADERS })
}

/**
 * Returns a response of JSON lines. `X-Accel-Buffering` keeps nginx from buffering it.
 * @param lines the lines in chunks of UTF-8
 */
export function ndjsonStream(lines: AsyncIterable<Uint8Array>): Response {
  return new Response(ReadableStream.from(lines), { headers: NDJSON_HEADERS })
}

/** Returns a JSON response with a body that is serialized already. @param text JSON */
export function writtenJson(text: string): Response {
  return new Response(text, { headers: JSON_HEADERS })
}

/** Returns a plain text response in UTF-8. */
export function text(value: string, status = 200, headers?: PlainHeaders): Response {
  return new Response(value, { status, headers: merged(TEXT_HEADERS, headers) })
}

/** Returns a response without a body. */
export function empty(status: 201 | 204 | 404, headers?: PlainHeaders): Response {
  return new Response(null, { status, headers: merged(CHANGING, headers) })
}

/** Merges two header objects. `Object.assign`, because a spread is five times as slow here in V8. */
function merged(headers: PlainHeaders, more: PlainHeaders | undefined): Record<string, string> {
  return more === undefined ? headers : Object.assign({}, headers, more)
}
