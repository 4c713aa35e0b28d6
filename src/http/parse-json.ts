const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const BRACKET = 0x5b
const BRACE = 0x7b

/** Characters that are parsed at once whatever they say. */
const FEW = 65_536
/** Far more than a client has to say in one go. */
const MAX_VALUES = 10_000

/** JSON that would hold up everybody else: `JSON.parse` takes seconds for some millions of small values. */
export class TooManyValuesError extends RangeError {
  constructor() {
    super(`holds more than ${MAX_VALUES} values.`)
    this.name = 'TooManyValuesError'
  }
}

/**
 * Parses JSON that comes from a client. A string may be as long as it likes.
 * Throws a `SyntaxError`; for more than 65,536 characters with more than 10,000 values a `TooManyValuesError`.
 */
export function parseJson(text: string): unknown {
  if (text.length > FEW && hasManyValues(text)) throw new TooManyValuesError()
  return JSON.parse(text)
}

/** Beside the whole, every value stands behind a comma or at the beginning of a list or an object. */
function hasManyValues(text: string): boolean {
  let values = 1
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (isInString) {
      if (character === BACKSLASH) at++
      else if (character === QUOTE) isInString = false
    } else if (character === QUOTE) isInString = true
    else if (character === COMMA || character === BRACKET || character === BRACE) {
      if (++values > MAX_VALUES) return true
    }
  }
  return false
}
