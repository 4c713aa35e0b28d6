/**
 * Escapes text so that every server stores it unchanged. PostgreSQL rejects NUL, no server stores lone surrogates, and
 * MySQL and MariaDB ignore trailing spaces in comparisons, so that two users could be treated as one. Other characters
 * except backslashes are not changed.
 */
export function toColumn(text: string): string {
  return text.replace(/[\\\0\p{Surrogate}]| $/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Reverses `toColumn`. */
export function fromColumn(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}
