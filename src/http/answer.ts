/**
 * Answers of the usual kinds. Their headers are a plain object from the beginning: Hono's `c.header` would make a
 * `Headers` of them, which costs more than all the rest of a short answer.
 */

/**
 * What a browser is told with every answer: no guessing of types, no address of ours to others, no frame around it. Pages
 * of other origins may show what they may read, so nothing here is for our own origin only.
 */
export const SECURITY = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'cross-origin',
}
/** Answers may change at any time; the few that do not say so themselves. */
const CHANGING = Object.freeze({ 'Cache-Control': 'no-cache', ...SECURITY })
export const JSON_HEADERS = Object.freeze({ ...CHANGING, 'Content-Type': 'application/json' })
const TEXT_HEADERS = Object.freeze({ ...CHANGING, 'Content-Type': 'text/plain; charset=utf-8' })

type PlainHeaders = Readonly<Record<string, string>>

/** @param value what `JSON.stringify` takes */
export function json(value: unknown, status = 200, headers?: PlainHeaders): Response {
  return new Response(JSON.stringify(value), { status, headers: and(JSON_HEADERS, headers) })
}

/** JSON that comes in pieces, in UTF-8. */
export function jsonStream(pieces: AsyncIterable<Uint8Array>): Response {
  return new Response(ReadableStream.from(pieces), { headers: JSON_HEADERS })
}

/** @param text JSON already */
export function writtenJson(text: string): Response {
  return new Response(text, { headers: JSON_HEADERS })
}

/** Makes JSON answers that all have the same headers more. */
export function jsonWith(headers: PlainHeaders): (value: unknown) => Response {
  const all = Object.freeze(and(JSON_HEADERS, headers))
  return (value) => new Response(JSON.stringify(value), { headers: all })
}

export function text(value: string, status = 200, headers?: PlainHeaders): Response {
  return new Response(value, { status, headers: and(TEXT_HEADERS, headers) })
}

/** An answer that says all in its status. */
export function empty(status: 201 | 204, headers?: PlainHeaders): Response {
  return new Response(null, { status, headers: and(CHANGING, headers) })
}

/** Not by spreading, which V8 does five times as slowly here. */
function and(headers: PlainHeaders, more: PlainHeaders | undefined): Record<string, string> {
  return more === undefined ? headers : Object.assign({}, headers, more)
}
