import { computed, effect, type ReadonlySignal, signal, untracked } from '@preact/signals'
import type { ConferenceName, Kom, KomEvent, Live, LiveState, Membership, Person, Text } from 'komgate/client'
import type { StorageArea } from '../../shared/stored.ts'
import { address, fragmentOf, go } from '../address.ts'
import { Drafts } from '../compose/drafts.ts'
import type { Kind, Target } from '../compose/target.ts'
import { MessageStore } from '../messages/message-store.ts'
import { Messages } from '../messages/messages.ts'
import { isThreadShown } from '../thread/pane-state.ts'
import { Threads } from '../thread/threads.ts'
import { Activity } from './activity.ts'
import { Names } from './names.ts'
import type { Coming, Place } from './order.ts'
import { pauseWhileHidden } from './pause.ts'
import { ReadMarks } from './read-marks.ts'
import { reconnectOnline } from './reconnection.ts'
import { revalidateOnReturn } from './revalidation.ts'
import { Unread, type UnreadConference } from './unread.ts'

/** The number of texts that are requested together before they are shown. */
const PREFETCHED = 10

/** What a person reads on a server, and where they are. */
export class Reader {
  readonly server: string
  readonly kom: Kom
  readonly live: Live
  readonly marks: ReadMarks
  /** the threads of the texts that are read */
  readonly threads: Threads
  readonly names: Names
  readonly messages: Messages
  /** what the server reports */
  readonly state: ReadonlySignal<LiveState>
  /** the conferences with unread texts, in reading order */
  readonly unread: ReadonlySignal<readonly UnreadConference[]>
  /** the numbers of all unread texts */
  readonly unreadNos: ReadonlySignal<ReadonlySet<number>>
  /** the unread text to read after the one that is shown */
  readonly next: ReadonlySignal<Place | undefined>
  /** what comes with it */
  readonly coming: ReadonlySignal<Coming | undefined>
  /** the number of the text that the address names */
  readonly shown: ReadonlySignal<number | undefined> = computed(() => {
    const { value } = address
    return value.view === 'texts' ? value.no : undefined
  })
  /** the conference in which the shown text is read */
  readonly confNo = signal<number | undefined>(undefined)
  /** the unfinished texts of the person */
  readonly drafts: Drafts
  /** what the person writes about a text */
  readonly writing = signal<Target | undefined>(undefined)
  /** a sentence for screen readers about what has just happened */
  readonly notice = signal('')
  /** the text that the notice is about */
  readonly noticed = signal<{ notice: string; textNo: number } | undefined>(undefined)
  readonly #stops: (() => void)[] = []
  readonly #listeners = new Set<(event: KomEvent) => void>()

  /**
   * @param storage where messages are kept
   * @param onLost called when the session has ended, and with the error when it cannot be followed any more
   */
  constructor(server: string, kom: Kom, live: Live, storage: StorageArea, onLost: (error: unknown) => void) {
    this.server = server
    this.kom = kom
    this.live = live
    const person = live.state.person as Person
    const activity = new Activity(kom, () => this.confNo.peek())
    this.marks = new ReadMarks({
      kom,
      owner: `${server}.${person.pers_no}`,
      reports: () => activity.reports(),
      isCurrent: () => live.state.status === 'live',
    })
    this.names = new Names(kom, () => live.state)
    this.messages = new Messages({ kom, names: this.names, person }, new MessageStore(server, person.pers_no, storage))
    this.drafts = new Drafts(server, person.pers_no)
    const state = signal(live.state)
    this.state = state
    this.threads = new Threads({
      held: (no) => state.value.texts[no],
      tree: (no, limit) => kom.texts.tree(no, { limit }),
      text: (no) => live.text(no),
      isShown: () => isThreadShown.peek() && this.shown.peek() !== undefined,
    })
    const unread = new Unread({
      state,
      read: this.marks.read,
      kept: this.marks.kept,
      from: computed(() => ({ confNo: this.confNo.value, textNo: this.shown.value })),
      textOf: this.threads.textOf,
    })
    this.unread = unread.conferences
    this.unreadNos = unread.textNos
    this.next = unread.next
    this.coming = unread.coming
    const nextNo = computed(() => this.next.value?.textNo)
    const onHidden = (): void => {
      if (document.visibilityState === 'hidden') void this.marks.flush()
    }
    document.addEventListener('visibilitychange', onHidden)
    let lastShown: number | undefined
    this.#stops.push(
      () => this.drafts.close(),
      () => document.removeEventListener('visibilitychange', onHidden),
      revalidateOnReturn(live),
      pauseWhileHidden(live, `${server}.${person.pers_no}`),
      reconnectOnline(live),
      live.subscribe((next) => {
        state.value = next
        this.marks.onUnread(next.unread)
        if (next.status === 'lost') onLost(next.error)
        else if (next.person === null) onLost(undefined)
      }),
      effect(() => {
        const left = lastShown
        lastShown = this.shown.value
        if (left !== undefined && left !== lastShown) untracked(() => this.#onLeave(left))
      }),
      this.onEvent((event) => {
        this.names.onEvent(event)
        void this.messages.onEvent(event)
      }),
      () => this.messages.close(),
      // The next texts are there before they are wanted. All requests of a tick are one.
      effect(() => {
        const next = nextNo.value
        const shown = this.shown.value
        const isThreadWanted = isThreadShown.value
        untracked(() => {
          const { texts } = state.value
          const isShort = next !== undefined && texts[next] === undefined
          const wanted = isShort ? unread.upcoming(PREFETCHED) : []
          if (shown !== undefined) wanted.push(shown)
          const missing = wanted.filter((no) => texts[no] === undefined)
          for (const no of missing) live.text(no).catch(() => undefined)
          const thread = shown !== undefined && isThreadWanted ? this.threads.ensure(shown) : undefined
          if (missing.length > 0 || thread !== undefined) void this.marks.flush()
        })
      }),
      this.onEvent((event) => this.threads.onEvent(event)),
    )
  }

  /** Shows the next unread text. Returns whether there is one. */
  readNext(isReplaced = false): boolean {
    const next = this.next.peek()
    if (next !== undefined) this.read(next, isReplaced)
    return next !== undefined
  }

  /** Shows the first unread text of a conference, also one that is kept as unread. */
  readConference(confNo: number): void {
    const unread = this.unread.peek().find(({ conf_no }) => conf_no === confNo)
    const [textNo] = unread?.unread_texts ?? []
    if (textNo !== undefined) this.read({ confNo, textNo })
  }

  /** Shows a text in a conference. */
  read({ confNo, textNo }: Place, isReplaced = false): void {
    this.confNo.value = confNo
    go(fragmentOf(this.server, 'texts', textNo), isReplaced)
  }

  /** Shows the form for a new text. @param confNo the recipient that it begins with. Default: none */
  writeTo(confNo?: number): void {
    go(fragmentOf(this.server, 'new', confNo === 0 ? undefined : confNo))
  }

  /** Shows the form for a text about the text that is shown. */
  write(target: Target): void {
    this.writing.value = target
  }

  /** Shows the form of an unfinished text about a text, if there is one. */
  resumeWriting(no: number): void {
    if (this.writing.peek()?.no === no) return
    const kinds: Kind[] = ['comment', 'footnote', 'answer']
    const kind = kinds.find((each) => this.drafts.get({ kind: each, no }) !== undefined)
    this.writing.value = kind === undefined ? undefined : { kind, no }
  }

  /** Returns the persons and conferences whose names match, as the LysKOM server expands names. */
  readonly findNames = async (name: string): Promise<readonly ConferenceName[]> => {
    const { conferences } = await this.kom.conferences.find(name)
    return conferences
  }

  /** Says something about a text, which can be opened from there. */
  announce(notice: string, textNo: number): void {
    this.noticed.value = { notice, textNo }
    this.notice.value = notice
  }

  /** Returns whether a text is unread in a conference of the person. */
  isUnread(textNo: number): boolean {
    return this.unreadNos.value.has(textNo)
  }

  /** Returns the membership of the person in a conference, undefined if there is none. */
  membership(confNo: number): Membership | undefined {
    return this.state.value.memberships.find(({ conference }) => conference.conf_no === confNo)
  }

  /** Chooses the conference in which a text is read that was opened by its number. */
  place(text: Text): void {
    const conferences = text.recipient_list.map(({ recpt }) => recpt.conf_no)
    const current = this.confNo.peek()
    if (current !== undefined && conferences.includes(current)) return
    const unread = this.unread.peek().find(({ unread_texts }) => unread_texts.includes(text.text_no))
    this.confNo.value = unread?.conf_no ?? conferences.find((no) => this.membership(no) !== undefined) ?? conferences[0]
  }

  /** Calls a function with each event of the session, when the state has it, until the returned function is called. */
  onEvent(listener: (event: KomEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Passes an event on. */
  emit(event: KomEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  /** Stops following the session. Sends the read markings that wait. */
  async close(): Promise<void> {
    for (const stop of this.#stops) stop()
    const isLost = this.live.state.status === 'lost'
    this.live.close()
    await this.marks.close(isLost)
  }

  /** Marks a text as read when the person goes on to another one, unless it was never shown or they keep it as unread. */
  #onLeave(textNo: number): void {
    if (this.state.peek().texts[textNo] === undefined || this.marks.kept.peek().has(textNo)) return
    if (this.isUnread(textNo)) this.marks.markRead(textNo)
  }
}
