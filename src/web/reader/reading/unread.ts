import { computed, type ReadonlySignal } from '@preact/signals'
import type { LiveState } from 'komgate/client'
import {
  type Coming,
  coming,
  type From,
  type LinkedText,
  nextUnread,
  type Place,
  type UnreadTexts,
  upcoming,
} from './order.ts'

/** A conference with unread texts. */
export interface UnreadConference extends UnreadTexts {
  name: string
}

/** What the unread texts of a person depend on. */
interface Sources {
  state: ReadonlySignal<LiveState>
  /** the texts that the person has read although the server may not know it yet */
  read: ReadonlySignal<ReadonlySet<number>>
  /** the texts that the person keeps as unread, which do not come next */
  kept: ReadonlySignal<ReadonlySet<number>>
  /** where the person is */
  from: ReadonlySignal<From>
  textOf(textNo: number): LinkedText | undefined
}

/** The unread texts of a person, and what comes next. */
export class Unread {
  /** the conferences with unread texts, in reading order */
  readonly conferences: ReadonlySignal<readonly UnreadConference[]>
  /** the numbers of all unread texts */
  readonly textNos: ReadonlySignal<ReadonlySet<number>>
  /** the unread text to read after the one that is shown */
  readonly next: ReadonlySignal<Place | undefined>
  /** what comes with it */
  readonly coming: ReadonlySignal<Coming | undefined>
  readonly #candidates: ReadonlySignal<readonly UnreadTexts[]>
  readonly #sources: Sources

  constructor(sources: Sources) {
    const { state, read, kept, from, textOf } = sources
    this.#sources = sources
    this.conferences = computed(() => unreadConferences(state.value, read.value))
    this.textNos = computed(() => new Set(this.conferences.value.flatMap(({ unread_texts }) => unread_texts)))
    this.#candidates = computed(() => without(this.conferences.value, kept.value))
    this.next = computed(() => nextUnread(this.#candidates.value, from.value, textOf))
    this.coming = computed(() => {
      const next = this.next.value
      return next && coming(this.#candidates.value, next, from.value, textOf)
    })
  }

  /** Returns the texts that are probably read next, the next one first. */
  upcoming(count: number): number[] {
    const { from, textOf } = this.#sources
    return upcoming(this.#candidates.peek(), from.peek(), textOf, count)
  }
}

function unreadConferences({ unread, memberships }: LiveState, read: ReadonlySet<number>): UnreadConference[] {
  const names = new Map(memberships.map(({ conference }) => [conference.conf_no, conference.name]))
  return without(unread, read).map((each) => ({ ...each, name: names.get(each.conf_no) ?? '' }))
}

/** Returns the conferences without some texts, and without those that have no others. */
function without(unread: readonly UnreadTexts[], textNos: ReadonlySet<number>): UnreadTexts[] {
  return unread.flatMap(({ conf_no, unread_texts }) => {
    const left = unread_texts.filter((no) => !textNos.has(no))
    return left.length === 0 ? [] : [{ conf_no, unread_texts: left }]
  })
}
