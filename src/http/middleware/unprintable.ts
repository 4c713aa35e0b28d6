/**
 * Control and format characters, bidirectional ones among them, and line separators: they change a terminal's output.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
const BEYOND_ASCII = /[^ -~]/

/** Percent-encodes the characters of a path that a terminal or an editor does not show as they are. */
export function printablePath(path: string): string {
  return BEYOND_ASCII.test(path) ? path.replace(UNPRINTABLE, encodeURIComponent) : path
}
