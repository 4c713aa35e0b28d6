/**
 * Text as a column of text can hold it. PostgreSQL has no place for a zero character, and no server for half of a
 * surrogate pair, and MySQL and MariaDB ignore spaces at the end; none of these may make two users one. Nearly all text
 * stays as it is.
 */
export function toColumn(text: string): string {
  return text.replace(/[\\\0\p{Surrogate}]| $/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function fromColumn(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}
