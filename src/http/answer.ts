/**
 * Answers of the usual kinds. Their headers are a plain object from the beginning: Hono's `c.header` would make a
 * `Headers` of them, which costs more than all the rest of a short answer.
 */

/** Answers may change at any time; the few that do not say so themselves. */
const CHANGING = { 'Cache-Control': 'no-cache' }
const JSON_HEADERS = { ...CHANGING, 'Content-Type': 'application/json' }
const TEXT_HEADERS = { ...CHANGING, 'Content-Type': 'text/plain; charset=utf-8' }

/** @param value what `JSON.stringify` takes */
export function json(value: unknown, status = 200, headers?: Readonly<Record<string, string>>): Response {
  return new Response(JSON.stringify(value), { status, headers: { ...JSON_HEADERS, ...headers } })
}

export function text(value: string, status = 200, headers?: Readonly<Record<string, string>>): Response {
  return new Response(value, { status, headers: { ...TEXT_HEADERS, ...headers } })
}

/** An answer that says all in its status. */
export function empty(status: 201 | 204, headers?: Readonly<Record<string, string>>): Response {
  return new Response(null, { status, headers: { ...CHANGING, ...headers } })
}
