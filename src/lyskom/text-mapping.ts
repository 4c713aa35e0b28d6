import type { TextMapping } from '../protocol/types.ts'

/** A text by its number in a conference, or among the texts of its author, and its number on the server. */
interface MappedText {
  localNumber: number
  globalNumber: number
}

/** Returns the existing texts of a mapping, in ascending order of their local numbers. */
export function existingTexts({ kind, value }: TextMapping['block']): MappedText[] {
  const texts =
    kind === 'sparse'
      ? value
      : value.texts.map((globalNumber, i) => ({ localNumber: value.firstLocalNo + i, globalNumber }))
  return texts.filter(({ globalNumber }) => globalNumber !== 0)
}
