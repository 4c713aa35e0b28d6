import { KomgateError } from '../../protocol/komgate-error.ts'

declare module '../../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<InvalidJsonError['code'], InvalidJsonError> {}
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const BRACKET = 0x5b
const BRACE = 0x7b
const ZERO = 0x30
const NINE = 0x39

/** JSON of at most this many characters is parsed without counting its values. */
const SHORT = 65_536
const MAX_VALUES = 10_000
/** The nesting depth that MongoDB accepts. `JSON.stringify` fails at some thousands. */
const MAX_DEPTH = 100
const MAX_FIELD = 100
const MANY_DIGITS = /\d{16}/
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const INTEGER = /^\d{16,}$/
/** Digits of the largest double. */
const MAX_DIGITS = 309

const TOO_DEEP = 'is nested too deeply.'
const TOO_LARGE = 'holds a number that is too large.'
const LONE_SURROGATE = 'holds a lone surrogate.'

/** JSON that the gateway does not accept. The message is the predicate of a sentence. */
export class InvalidJsonError extends KomgateError {
  readonly code = 'invalid-json'

  constructor(
    message: string,
    /** the invalid field, `client.name` for example; empty for the whole */
    readonly field = '',
    /** the parsed value, if parsing succeeded */
    readonly value?: unknown,
  ) {
    super(message)
  }

  override get clientMessage(): string {
    return this.sentence('The body')
  }

  /** Returns the message as a sentence. @param whole the subject if the error names no field, `The body` for example */
  sentence(whole: string): string {
    return `${this.field === '' ? whole : `"${this.field}"`} ${this.message}`
  }
}

/** JSON that would block the event loop: `JSON.parse` takes seconds for some millions of small values. */
export class TooManyValuesError extends InvalidJsonError {
  constructor() {
    super(`holds more than ${MAX_VALUES} values.`)
  }
}

/**
 * Parses JSON from a client. The returned value survives `JSON.stringify` unchanged.
 *
 * @throws SyntaxError if the text is not JSON
 * @throws TooManyValuesError for more than 65,536 characters with more than 10,000 values
 * @throws InvalidJsonError for more than 100 levels, numbers that a double cannot hold, and lone surrogates
 */
export function parseJson(text: string): unknown {
  const isLong = text.length > SHORT
  const scanned = isLong || MANY_DIGITS.test(text) ? scan(text) : undefined
  if (isLong && scanned === 'too many values') throw new TooManyValuesError()
  const value: unknown = JSON.parse(text)
  const fault = findFault(value, 0)
  if (fault !== undefined) throw new InvalidJsonError(fault.reason, fault.path.join('.').slice(0, MAX_FIELD), value)
  if (scanned === 'inexact number') throw new InvalidJsonError(TOO_LARGE, '', value)
  return value
}

/** Finds what `JSON.parse` does not report. Each value but the first follows a comma or an opening bracket. */
function scan(text: string): 'too many values' | 'inexact number' | undefined {
  let values = 1
  let isInString = false
  let isExact = true
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (isInString) {
      if (character === BACKSLASH) at++
      else if (character === QUOTE) isInString = false
    } else if (character === QUOTE) isInString = true
    else if (character === COMMA || character === BRACKET || character === BRACE) {
      if (++values > MAX_VALUES) return 'too many values'
    } else if (character >= ZERO && character <= NINE) {
      NUMBER.lastIndex = at
      const [number = ''] = NUMBER.exec(text) ?? []
      if (INTEGER.test(number) && !isExactInteger(number)) isExact = false
      at += number.length - 1
    }
  }
  return isExact ? undefined : 'inexact number'
}

/** Returns whether a double holds an integer exactly, or JavaScript prints its double with the same digits. */
function isExactInteger(digits: string): boolean {
  if (digits.length > MAX_DIGITS) return false
  const double = Number(digits)
  return String(double) === digits || (Number.isFinite(double) && BigInt(double) === BigInt(digits))
}

interface Fault {
  reason: string
  /** the keys from the outermost to the innermost */
  path: string[]
}

/** Recursive, to a depth of at most `MAX_DEPTH`. */
function findFault(value: unknown, depth: number): Fault | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : { reason: LONE_SURROGATE, path: [] }
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : { reason: TOO_LARGE, path: [] }
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === MAX_DEPTH) return { reason: TOO_DEEP, path: [] }
  for (const [key, inner] of Object.entries(value)) {
    if (!key.isWellFormed()) return { reason: LONE_SURROGATE, path: [] }
    const fault = findFault(inner, depth + 1)
    if (fault === undefined) continue
    if (fault.reason !== TOO_DEEP) fault.path.unshift(key)
    return fault
  }
  return undefined
}
