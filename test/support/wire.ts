/**
 * Writes bytes of Protocol A for tests, as a server or a client does. This module shares no code with src/, so that the
 * expectations do not repeat a bug there.
 */

/** A part of a message: a number is written in decimal, a string in ISO 8859-1 without its length, bytes unchanged. */
export type Part = string | number | Buffer

/** Concatenates the parts: `wire('=1 ', 5, ' ', h('text'), '\n')`. */
export function wire(...parts: Part[]): Buffer {
  return Buffer.concat(parts.map(bytes))
}

/** Joins the parts with single spaces, as the fields of a structure. */
export function fields(...parts: Part[]): Buffer {
  return wire(...parts.flatMap((part, index) => (index === 0 ? [part] : [' ', part])))
}

/** Returns a Hollerith string: `h('text')` is `4Htext`. A string is encoded in ISO 8859-1. */
export function h(text: string | Buffer): Buffer {
  const content = bytes(text)
  return wire(content.length, 'H', content)
}

/** Returns an array as a server writes it: `2 { 5 6 }`, or `0 *` if it is empty (a client writes `0 { }`). */
export function array(items: Part[]): Buffer {
  return items.length === 0 ? omitted(0) : fields(items.length, '{', ...items, '}')
}

/** Returns an array without its elements: `3 *`. */
export function omitted(length: number): Buffer {
  return fields(length, '*')
}

/** Returns a Time in UTC: the nine fields from seconds to is-dst. */
export function time(date: Date): Buffer {
  const dayOfYear = (startOfDay(date) - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000
  return fields(
    date.getUTCSeconds(),
    date.getUTCMinutes(),
    date.getUTCHours(),
    date.getUTCDate(),
    date.getUTCMonth(),
    date.getUTCFullYear() - 1900,
    date.getUTCDay(),
    dayOfYear,
    0,
  )
}

/** Returns a reply, LF included: `reply(1, 5, h('text'))` is `=1 5 4Htext\n`. */
export function reply(ref: number, ...parts: Part[]): Buffer {
  return wire('=', fields(ref, ...parts), '\n')
}

/** Returns an error reply, LF included: `errorReply(2, 6, 5)` is `%2 6 5\n`. */
export function errorReply(ref: number, code: number, status = 0): Buffer {
  return wire('%', fields(ref, code, status), '\n')
}

/**
 * Returns an asynchronous message, LF included. Each argument is one parameter: `message(9, 5, 2)` is `:2 9 5 2\n`. The
 * count of parameters differs from lyskomd's if one is a structure (`:18 15 …` for a new text); clients ignore it.
 */
export function message(number: number, ...params: Part[]): Buffer {
  return wire(':', fields(params.length, number, ...params), '\n')
}

function bytes(part: Part): Buffer {
  return Buffer.isBuffer(part) ? part : Buffer.from(String(part), 'latin1')
}

function startOfDay(date: Date): number {
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
}
