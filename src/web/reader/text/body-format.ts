/** A part of a line: text, or a link to another text or to a page. */
export type Part = { text: string } | { text: string; textNo: number } | { text: string; href: string }

/** Lines of a text that are displayed alike. */
export interface Block {
  /** the ends of lines of `flowing` prose have no meaning */
  kind: 'flowing' | 'prose' | 'quote' | 'fixed'
  lines: string[]
}

const LINK =
  /\b(?:https?:\/\/|mailto:)[^\s<>"]+|\b(?:text|inlägg)(?:et)? (?:nr |no\.? |#)?([1-9]\d{0,9})\b|<([1-9]\d{0,9})>/gi
/** Characters after a URL that belong to the sentence. */
const TRAILING = '.,:;!?\'")]'
const QUOTED = /^\s{0,3}>/
/** Columns and drawings: runs of spaces inside a line, tabs, box drawing, rules, ends of statements. */
const ALIGNED = /[^\s.!?:] {2,}\S|\t|[\u2500-\u259f]|[|\\/_+=*#~^-]{4,}|[{};]$/
const INDENTED = /^ {2,}\S/

/** A longer line is wrapped, so that it can be read without scrolling. */
const MAX_FIXED_LENGTH = 200
/** A line that is shorter ends where its author wants it to. */
const WRAPPED_LENGTH = 50
/** The beginning of a line that must not be joined to the one before: indented lines and lists. */
const STARTED = /^(?:\s|[-*•·+–] |\d+[.)] )/

/** Divides a body into blocks, without the empty lines at its ends. */
export function blocksOf(body: string): Block[] {
  const blocks: Block[] = []
  let paragraph: string[] = []
  const end = (): void => {
    if (paragraph.length === 0) return
    const kind = kindOf(paragraph)
    const last = blocks.at(-1)
    // A drawing may hold empty lines.
    if (kind === 'fixed' && last?.kind === 'fixed') last.lines.push('', ...paragraph)
    else blocks.push({ kind, lines: paragraph })
    paragraph = []
  }
  for (const line of body.split(/\r\n|\n|\r/)) {
    if (line.trim() === '') end()
    else {
      if (paragraph.length > 0 && QUOTED.test(line) !== QUOTED.test(paragraph[0] as string)) end()
      paragraph.push(line)
    }
  }
  end()
  return blocks
}

function kindOf(lines: readonly string[]): Block['kind'] {
  if (lines.every((line) => QUOTED.test(line))) return 'quote'
  if (lines.some(({ length }) => length > MAX_FIXED_LENGTH)) return 'prose'
  const isIndented = lines.every((line) => INDENTED.test(line))
  const aligned = lines.filter((line) => ALIGNED.test(line.trimEnd())).length
  if (isIndented || aligned * 2 > lines.length) return 'fixed'
  const isWrapped = lines.slice(0, -1).every((line) => line.length >= WRAPPED_LENGTH)
  return isWrapped && !lines.some((line) => STARTED.test(line)) ? 'flowing' : 'prose'
}

/** Finds the links in a line: URLs, `text 4711` and `<4711>`. */
export function partsOf(line: string): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const match of line.matchAll(LINK)) {
    const [found, named, bracketed] = match
    const textNo = named ?? bracketed
    // Without an address it is a word.
    if (/^mailto:(?!.+@)/i.test(found)) continue
    const text = textNo === undefined ? withoutTrailing(found) : found
    if (match.index > end) parts.push({ text: line.slice(end, match.index) })
    parts.push(textNo === undefined ? { text, href: text } : { text, textNo: Number(textNo) })
    end = match.index + text.length
  }
  if (end < line.length) parts.push({ text: line.slice(end) })
  return parts
}

/** Not a regular expression, which would take quadratic time. */
function withoutTrailing(url: string): string {
  let end = url.length
  while (TRAILING.includes(url.charAt(end - 1))) end--
  return url.slice(0, end)
}
