/** The fields of a block of server-sent events. A block without data is not an event. */
export interface EventBlock {
  /** the position after the block */
  id?: string
  data?: string
  /** milliseconds */
  retry?: number
}

/**
 * Parses server-sent events (HTML, 9.2.6), which may arrive in pieces of any length. The event type is left out: the
 * events of the gateway have it in their data.
 */
export class EventParser {
  #line = ''
  #block: EventBlock = {}
  #endsWithCr = false

  /** Returns the blocks that a piece completes. */
  feed(piece: string): EventBlock[] {
    if (piece === '') return []
    const text = this.#endsWithCr && piece.startsWith('\n') ? piece.slice(1) : piece
    this.#endsWithCr = piece.endsWith('\r')
    const lines = text.split(/\r\n?|\n/)
    lines[0] = this.#line + lines[0]
    this.#line = lines.pop() as string
    const blocks: EventBlock[] = []
    for (const line of lines) {
      if (line !== '') {
        this.#take(line)
      } else {
        blocks.push(this.#block)
        this.#block = {}
      }
    }
    return blocks
  }

  #take(line: string): void {
    // Comments have an empty field name.
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    const block = this.#block
    if (field === 'data') block.data = block.data === undefined ? value : `${block.data}\n${value}`
    else if (field === 'id' && !value.includes('\0')) block.id = value
    else if (field === 'retry' && /^\d+$/.test(value)) block.retry = Number(value)
  }
}
