/**
 * Protocol A bytes for tests, as a server or a client writes them. This module shares no code with src/, so that a bug
 * there is not repeated in the expectations.
 *
 * A part is written as is: a number in decimal, a string as latin-1 without quoting, bytes unchanged.
 */
export type Part = string | number | Buffer

/** The parts one after the other, with nothing between: `wire('=1 ', 5, ' ', h('text'), '\n')`. */
export function wire(...parts: Part[]): Buffer {
  return Buffer.concat(parts.map(bytes))
}

/** Joins the parts with one space: a structure, or any list of fields. */
export function fields(...parts: Part[]): Buffer {
  return wire(...parts.flatMap((part, index) => (index === 0 ? [part] : [' ', part])))
}

/** A Hollerith string: `h('text')` is `4Htext`. For other charsets than latin-1 pass the bytes. */
export function h(text: string | Buffer): Buffer {
  const content = bytes(text)
  return wire(content.length, 'H', content)
}

/** An array as a server writes it, `2 { 5 6 }`, and `0 *` when empty (a client writes `0 { }`). */
export function array(items: Part[]): Buffer {
  return items.length === 0 ? omitted(0) : fields(items.length, '{', ...items, '}')
}

/** An array of which only the length is given: `3 *`. */
export function omitted(length: number): Buffer {
  return fields(length, '*')
}

/** A Time, the nine fields from seconds to is-dst, in UTC. */
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

/** A whole reply, LF included: `reply(1, 5, h('text'))` is `=1 5 4Htext\n`. */
export function reply(ref: number, ...parts: Part[]): Buffer {
  return wire('=', fields(ref, ...parts), '\n')
}

/** A whole error reply, LF included: `errorReply(2, 6, 5)` is `%2 6 5\n`. */
export function errorReply(ref: number, code: number, status = 0): Buffer {
  return wire('%', fields(ref, code, status), '\n')
}

/**
 * A whole asynchronous message, LF included. Each argument is one parameter: `message(9, 5, 2)` is `:2 9 5 2\n`.
 * lyskomd counts differently where a parameter is a structure (`:18 15 …` for a new text); the count means nothing.
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
