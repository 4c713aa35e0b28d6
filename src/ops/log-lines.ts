/** Most lines are plain ASCII, which this pattern detects in half the time. */
const BEYOND_ASCII = /[^ -~\n]/
/** Characters that JSON leaves unescaped: it escapes ASCII control characters, and a line feed ends each line. */
const UNPRINTABLE = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu

/** Escapes the control and format characters of a line of JSON; its value stays the same. */
export function escapeLine(line: string): string {
  return BEYOND_ASCII.test(line) ? line.replace(UNPRINTABLE, (character) => escaped(character, '\\u')) : line
}

/**
 * Escapes the control and format characters of a line of JSON so that its values hold the escapes, for programs that
 * parse the line and write the values to a terminal.
 */
export function escapeLineForTerminal(line: string): string {
  return BEYOND_ASCII.test(line) ? line.replace(UNPRINTABLE, (character) => escaped(character, '\\\\u')) : line
}

function escaped(character: string, prefix: string): string {
  let text = ''
  for (let at = 0; at < character.length; at++) text += prefix + character.charCodeAt(at).toString(16).padStart(4, '0')
  return text
}
