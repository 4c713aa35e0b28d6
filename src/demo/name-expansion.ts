/** Comparison of names as in lyskomd (chapter Name Expansion). */

const TABLE_START = 0xa0
/** Collation of ISO 8859-1 from 0xA0 on: without accents; å, ä and ö equal the braces of Swedish ASCII. */
const UPPER_HALF =
  '\xa0!\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf' +
  'AAAA\\[\\CEEEEIIII\xd0NOOOO]*]UUUYY\xde\xdf' +
  'AAAA\\[\\CEEEEIIII\xf0NOOOO]/]UUUYY\xfe\xff'

/** The reply to get-collate-table: 256 bytes. Two characters are equal if their bytes are equal. */
export const COLLATE_TABLE: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  if (code >= 0x61 && code <= 0x7a) return code - 0x20
  // Swedish ASCII has [ \ ] and { | } for Ä Ö Å; lyskomd's table maps Ä to \, Ö to ] and Å to [.
  if (code === 0x5b || code === 0x7b) return 0x5c
  if (code === 0x5c || code === 0x7c) return 0x5d
  if (code === 0x5d || code === 0x7d) return 0x5b
  return code < TABLE_START ? code : UPPER_HALF.charCodeAt(code - TABLE_START)
})

/**
 * Returns the collated words of a name or a pattern. Spaces and parentheses separate words. Text in parentheses is
 * ignored: nested parentheses with all their content, and an unclosed one up to the end.
 */
export function nameWords(name: string): string[] {
  const words: string[] = []
  let word = ''
  let depth = 0
  for (const char of `${name} `) {
    const separates = char === ' ' || char === '(' || char === ')'
    if (separates) {
      if (word !== '') words.push(word)
      word = ''
      if (char === '(') depth++
      else if (char === ')' && depth > 0) depth--
    } else if (depth === 0) {
      word += String.fromCharCode(COLLATE_TABLE[char.charCodeAt(0) & 0xff] as number)
    }
  }
  return words
}

/**
 * Reports whether each word of the pattern is a prefix of the word of the name at the same position. An empty pattern
 * matches every name.
 */
export function matchesName(pattern: readonly string[], name: readonly string[]): boolean {
  return pattern.length <= name.length && pattern.every((word, i) => name[i]?.startsWith(word))
}

/** Reports whether lyskomd treats two names as equal. A name without words equals every other name. */
export function sameName(a: readonly string[], b: readonly string[]): boolean {
  if (a.length === 0) return true
  return a.length === b.length && a.every((word, i) => word === b[i])
}

/** Reports whether a string is a legal name of a conference or person: not empty, no control characters. */
export function isLegalName(name: string): boolean {
  if (name === '') return false
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false
  }
  return true
}
