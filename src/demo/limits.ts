import type { StoredAuxItem, Text } from './model.ts'

/** Limits on the data that clients can store on the demo server. */
export interface DemoLimits {
  /** Number of texts written by clients. Above it the server deletes the oldest ones. */
  readonly texts: number
  /** Memory of these texts with aux-items and links, in bytes. Above it the server deletes the oldest ones. */
  readonly textBytes: number
  /** Number of conferences, including the mailboxes of persons. */
  readonly conferences: number
  /** Memory of the aux-items of conferences, persons and texts that clients have not written, in bytes. */
  readonly auxItemBytes: number
  /** Number of memberships of all persons. */
  readonly memberships: number
  /** Number of read ranges of all memberships. */
  readonly readRanges: number
  /** Number of marks of all persons. */
  readonly marks: number
}

/** The limits that apply unless `DemoServerOptions.limits` overrides them. */
export const DEFAULT_LIMITS: DemoLimits = {
  texts: 10_000,
  textBytes: 32 * 1024 * 1024,
  // The limit of Debian's lyskomd.
  conferences: 4765,
  auxItemBytes: 4 * 1024 * 1024,
  memberships: 20_000,
  readRanges: 100_000,
  marks: 50_000,
}

// Limits of lyskomd for one object or one call, named as in its manual (chapter Parameters).

/** Number of recipients and links in one create-text call. */
export const MAX_LINKS_PER_CALL = 512
/** Number of recipients of a text. */
export const MAX_RECIPIENTS_PER_TEXT = 512
/** Number of comments on a text. */
export const MAX_COMMENTS_PER_TEXT = 128
/** Number of footnotes to a text. */
export const MAX_FOOTNOTES_PER_TEXT = 32
/** Number of texts that a person marks. */
export const MAX_MARKS_PER_PERSON = 2048
/** Number of marks on a text. */
export const MAX_MARKS_PER_TEXT = 1024
/** Number of local numbers in one mark-as-read call. */
export const MAX_MARK_AS_READ_CHUNKS = 128
/** Number of ranges in one set-read-ranges call. */
export const MAX_READ_RANGES_PER_CALL = 512

/** Estimated memory of the objects of a text, a recipient or link, and an aux-item, without their data. */
const TEXT_BYTES = 1000
const MISC_BYTES = 120
const AUX_ITEM_BYTES = 400

/** Returns the estimated memory of a text, in bytes. */
export function textCost({
  body,
  misc,
  auxItems,
}: Pick<Text, 'body' | 'auxItems'> & { misc: readonly unknown[] }): number {
  return TEXT_BYTES + body.length + misc.length * MISC_BYTES + auxItemsCost(auxItems)
}

/** Returns the estimated memory of aux-items, in bytes. */
export function auxItemsCost(items: readonly StoredAuxItem[]): number {
  return items.reduce((sum, { data }) => sum + AUX_ITEM_BYTES + data.length, 0)
}

/** The numbers of the texts written by clients, oldest first, and their total memory. */
export class WrittenTexts {
  readonly #costs = new Map<number, number>()
  #bytes = 0

  /** Number of texts. */
  get count(): number {
    return this.#costs.size
  }

  /** Estimated memory of all texts, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** The number of the oldest text; undefined if there is none. */
  get oldest(): number | undefined {
    return this.#costs.keys().next().value
  }

  /** Reports whether a text was added and not removed. */
  has(no: number): boolean {
    return this.#costs.has(no)
  }

  /** Adds a text as the newest one. */
  add(text: Text): void {
    this.#costs.set(text.no, 0)
    this.update(text)
  }

  /** Updates the memory of a changed text. Ignores texts that were not added. */
  update(text: Text): void {
    const before = this.#costs.get(text.no)
    if (before === undefined) return
    const cost = textCost(text)
    this.#bytes += cost - before
    this.#costs.set(text.no, cost)
  }

  /** Removes a text, if it was added. */
  delete(no: number): void {
    this.#bytes -= this.#costs.get(no) ?? 0
    this.#costs.delete(no)
  }
}
