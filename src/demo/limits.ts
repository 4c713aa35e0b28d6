import type { StoredAuxItem, Text } from './model.ts'

/** Limits on what clients can make the demo server store. `texts` does not include the initial data. */
export interface DemoLimits {
  /** Texts written by clients. Above this number the server deletes the oldest ones. */
  readonly texts: number
  /** Bytes of these texts with their aux-items, recipients and links. Above it the server deletes the oldest texts. */
  readonly textBytes: number
  /** Conferences, including the mailboxes of persons. */
  readonly conferences: number
  /** Bytes of the aux-items of conferences and persons. */
  readonly auxItemBytes: number
  readonly memberships: number
  /** Read ranges of all memberships. */
  readonly readRanges: number
  /** Marks of all persons. */
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

/** Limits of lyskomd for one object or one call, named as in its manual (chapter Parameters). */
export const MAX_LINKS_PER_CALL = 512
export const MAX_RECIPIENTS_PER_TEXT = 512
export const MAX_COMMENTS_PER_TEXT = 128
export const MAX_FOOTNOTES_PER_TEXT = 32
export const MAX_MARKS_PER_PERSON = 2048
export const MAX_MARKS_PER_TEXT = 1024
export const MAX_MARK_AS_READ_CHUNKS = 128
export const MAX_READ_RANGES_PER_CALL = 512

/** Estimated memory that V8 needs in addition to the bytes themselves. */
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

/** The texts written by clients, oldest first, and their total memory. */
export class WrittenTexts {
  readonly #costs = new Map<number, number>()
  #bytes = 0

  get count(): number {
    return this.#costs.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The number of the oldest text; undefined if there is none. */
  get oldest(): number | undefined {
    return this.#costs.keys().next().value
  }

  add(text: Text): void {
    this.#costs.set(text.no, 0)
    this.update(text)
  }

  /** Updates the cost of a changed text. Ignores texts that were not added. */
  update(text: Text): void {
    const before = this.#costs.get(text.no)
    if (before === undefined) return
    const cost = textCost(text)
    this.#bytes += cost - before
    this.#costs.set(text.no, cost)
  }

  delete(no: number): void {
    this.#bytes -= this.#costs.get(no) ?? 0
    this.#costs.delete(no)
  }
}
