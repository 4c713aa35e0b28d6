/** Length limit, in characters, of what `nfc` normalizes; far longer than any name or password. */
export const MAX_NORMALIZED = 1000

/**
 * Normalizes a name or a password to NFC: macOS sends `Å` as `A` and U+030A, which is outside ISO 8859-1. Strings that
 * are too long for a name are returned unchanged, because V8 takes quadratic time for a run of combining marks.
 */
export function nfc(text: string): string {
  return text.length > MAX_NORMALIZED ? text : text.normalize('NFC')
}
