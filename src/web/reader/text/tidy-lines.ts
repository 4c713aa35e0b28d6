/** Returns a text without spaces around its lines, and with one empty line at most between two of them. */
export function tidyLines(text: string): string {
  // An expression for spaces before a line feed takes time that grows with the square of a run of spaces.
  const lines = text.split('\n').map((line) => line.trim())
  return lines.join('\n').replace(/\n{3,}/g, '\n\n')
}
