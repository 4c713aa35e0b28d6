/**
 * Returns whether the words of a pattern begin words of a name, in the same order: `f p` matches `Fika och prat`. It
 * compares like a LysKOM server, except that case is that of the language.
 */
export function matchesName(name: string, pattern: string): boolean {
  const words = wordsOf(name)
  let next = 0
  return wordsOf(pattern).every((start) => {
    const found = words.findIndex((word, i) => i >= next && word.startsWith(start))
    next = found + 1
    return found !== -1
  })
}

/** Returns the words of a name, also those in parentheses. */
function wordsOf(name: string): string[] {
  return name
    .normalize()
    .toLowerCase()
    .split(/[\s()]+/)
    .filter((word) => word !== '')
}
