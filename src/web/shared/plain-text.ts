/** Controls, and the characters that change the direction of the text around them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove
const UNWANTED = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g

/**
 * Returns words of other people for the middle of a sentence, a title or a label, where no element isolates them: without
 * control characters, and without those that would change the direction of the sentence.
 */
export function plainText(text: string): string {
  return text.replace(UNWANTED, ' ').replace(/\s+/g, ' ').trim()
}
