const DIGIT = 1
const SPACE = 2
const PADDING = 3

/** The kind of each ASCII character in base64 (RFC 4648, chapter 4); 0 for characters that base64 does not allow. */
const KINDS = new Uint8Array(128)
for (const digit of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
  KINDS[digit.charCodeAt(0)] = DIGIT
}
for (const space of '\t\n\v\f\r ') KINDS[space.charCodeAt(0)] = SPACE
KINDS['='.charCodeAt(0)] = PADDING

/**
 * Decodes base64 with padding. White space is ignored: many encoders break lines after 60 to 76 characters. Scans by
 * hand, because a regular expression overflows the stack on some megabytes.
 * @returns undefined for text that is not base64, which `Buffer.from` accepts without an error
 */
export function decodeBase64(text: string): Buffer | undefined {
  let digits = 0
  let padding = 0
  for (let at = 0; at < text.length; at++) {
    const kind = KINDS[text.charCodeAt(at)]
    if (kind === SPACE) continue
    if (kind === PADDING) padding++
    else if (kind === DIGIT && padding === 0) digits++
    else return undefined
  }
  if (padding > 2 || (digits + padding) % 4 !== 0) return undefined
  return Buffer.from(text, 'base64')
}
