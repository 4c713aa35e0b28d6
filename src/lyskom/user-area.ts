/** Limit on the number of strings: a text that is not a user area may look like one string for every two bytes. */
const MAX_BLOCKS = 1000
/** Matches the length of a Hollerith string. */
const STRING = /\s*(\d{1,9})H/y

/**
 * Parses a user area (chapter The User Area). It is a sequence of Hollerith strings, of which the first one holds the
 * names of the others.
 *
 * @returns the blocks by name; only the readable ones of a truncated or malformed user area
 */
export function readUserArea(text: string): Map<string, string> {
  const [names = '', ...blocks] = strings(text)
  return new Map(strings(names).flatMap((name, i) => (blocks[i] === undefined ? [] : [[name, blocks[i]] as const])))
}

function strings(text: string): string[] {
  const found: string[] = []
  STRING.lastIndex = 0
  for (let match = STRING.exec(text); match !== null && found.length < MAX_BLOCKS; match = STRING.exec(text)) {
    const start = STRING.lastIndex
    const end = start + Number(match[1])
    if (end > text.length) break
    found.push(text.slice(start, end))
    STRING.lastIndex = end
  }
  return found
}
