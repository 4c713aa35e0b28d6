const DIGIT = '(?:[0-9a-f]|%(?:25)*(?:3[0-9]|[46][1-6]))'
/** A hyphen or a character that clients write in its place. */
const SEPARATOR = '(?:[-_.~ ]|%(?:25)*(?:2[0de]|5f|7e))?'
const DIGITS_OF_ID = 32
/**
 * A connection id with any separators, case and percent-encoding, together with the digits around it. uuid's `validate`
 * cannot replace the patterns of this file: it takes whole ids, and these find ids inside longer text.
 */
const ID = new RegExp(`(?<![0-9a-f])${DIGIT}(?:${SEPARATOR}${DIGIT}){${DIGITS_OF_ID - 1},}`, 'gi')
/** The paths of REST-Sessions that end in a token, in any encoding. */
const TOKEN_PATH = /\/(get|set|kill)\/.+/is
/** The digits of a UUID of version 4. */
const VERSION_4 = /^(.{8})(.{4})(4.{3})([89ab].{3})(.{12})$/

/** Replaces connection ids and tokens in a path with `<id>`: some clients put the id where a number belongs. */
export function withoutIds(path: string): string {
  const withoutToken = path.replace(TOKEN_PATH, '/$1/<id>')
  return withoutToken.length < DIGITS_OF_ID ? withoutToken : withoutToken.replace(ID, '<id>')
}

/**
 * Yields every connection id that a text may hold, in canonical form, whatever stands between and around its digits.
 */
export function* connectionIdsIn(text: string): Generator<string> {
  if (text.length < DIGITS_OF_ID) return
  const digits = text.toLowerCase().replace(/[^0-9a-f]/g, '')
  for (let at = 0; at + DIGITS_OF_ID <= digits.length; at++) {
    const parts = VERSION_4.exec(digits.slice(at, at + DIGITS_OF_ID))
    if (parts !== null) yield parts.slice(1).join('-')
  }
}
