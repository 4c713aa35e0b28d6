/** A fast check: most lines are plain ASCII and need no replacement. */
const NON_ASCII = /[^ -~\n]/
/** Control and format characters that JSON does not escape. JSON escapes the control characters below U+0020. */
const UNPRINTABLE = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * Escapes the control and format characters of a JSON line as `\uXXXX`. The parsed value stays the same.
 * @param line a JSON text that ends with a line feed
 */
export function escapeLine(line: string): string {
  return NON_ASCII.test(line) ? line.replace(UNPRINTABLE, (character) => escaped(character, '\\u')) : line
}

/**
 * Escapes the control and format characters of a JSON line as `\\uXXXX`. The parsed values contain the escapes, so a
 * program may parse the line and write the values to a terminal.
 * @param line a JSON text that ends with a line feed
 */
export function escapeLineForTerminal(line: string): string {
  return NON_ASCII.test(line) ? line.replace(UNPRINTABLE, (character) => escaped(character, '\\\\u')) : line
}

function escaped(character: string, prefix: string): string {
  let text = ''
  for (let at = 0; at < character.length; at++) text += prefix + character.charCodeAt(at).toString(16).padStart(4, '0')
  return text
}
