import { batch, signal } from '@preact/signals'
import { type Kom, LyskomError, type NumberedUnread } from 'komgate/client'
import { readStored, writeStored } from '../../shared/stored.ts'

const DELAY_MS = 1000
const RETRY_MS = 5000
/** The most read markings that wait. */
const MAX_WAITING = 10
/** How long a text stays read here although the gateway does not report that it has been read. */
const CONFIRMATION_MS = 10_000

/** What read markings depend on. */
interface Circumstances {
  kom: Kom
  /** identifies the person and the server */
  owner: string
  /** returns what else there is to report, which is sent in the same batch */
  reports: () => Promise<void>[]
  /** returns whether the events of the server arrive, so that its unread texts are known */
  isCurrent: () => boolean
}

/**
 * Marks texts as read, many in one request, and shows them as read at once. Markings that have not been sent are kept in the
 * tab, and sent in the next session of the person.
 */
export class ReadMarks {
  /** texts that are read here, and may still be unread on the server */
  readonly read = signal<ReadonlySet<number>>(new Set())
  /** texts that the person keeps as unread when they go on, and may have read elsewhere since */
  readonly kept = signal<ReadonlySet<number>>(new Set())
  readonly #kom: Kom
  readonly #key: string
  readonly #reports: () => Promise<void>[]
  readonly #isCurrent: () => boolean
  readonly #waiting = new Set<number>()
  /** texts whose last marking failed, and may have been carried out */
  readonly #uncertain = new Set<number>()
  #sending: readonly number[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  #isLost = false

  constructor({ kom, owner, reports, isCurrent }: Circumstances) {
    this.#kom = kom
    this.#key = `komgate.read.${owner}`
    this.#reports = reports
    this.#isCurrent = isCurrent
    for (const textNo of readStored<number[]>('sessionStorage', this.#key) ?? []) this.markRead(textNo)
  }

  /** Marks a text as read. */
  markRead(textNo: number): void {
    if (this.#isClosed) return
    this.#waiting.add(textNo)
    this.#keep()
    batch(() => {
      this.read.value = withNumber(this.read.value, textNo)
      this.kept.value = withoutNumber(this.kept.value, textNo)
    })
    if (this.#waiting.size >= MAX_WAITING) void this.flush()
    else this.#flushIn(DELAY_MS)
  }

  /** Marks a text as unread, and keeps it so. */
  async markUnread(textNo: number): Promise<void> {
    const isUncertain = this.#uncertain.delete(textNo)
    const isSent = !this.#waiting.delete(textNo) || isUncertain
    this.#keep()
    batch(() => {
      this.kept.value = withNumber(this.kept.value, textNo)
      this.read.value = withoutNumber(this.read.value, textNo)
    })
    if (!isSent) return
    try {
      await this.#kom.texts.markUnread(textNo)
    } catch (error) {
      this.kept.value = withoutNumber(this.kept.value, textNo)
      throw error
    }
  }

  /** Sends the read markings that wait, in one request with others that are made at the same time. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    const textNos = [...this.#waiting]
    if (textNos.length === 0) return
    this.#waiting.clear()
    this.#sending = [...this.#sending, ...textNos]
    const outcomes = await Promise.allSettled([
      ...textNos.map((no) => this.#kom.texts.markRead(no)),
      ...this.#reports(),
    ])
    const failed = textNos.filter((_, i) => {
      const outcome = outcomes[i]
      // A text that has been deleted cannot be marked.
      return outcome?.status !== 'fulfilled' && !(outcome?.reason instanceof LyskomError)
    })
    this.#sending = this.#sending.filter((no) => !textNos.includes(no))
    for (const no of textNos) this.#uncertain.delete(no)
    for (const no of failed) {
      if (!this.read.value.has(no)) continue
      this.#waiting.add(no)
      this.#uncertain.add(no)
    }
    this.#keep()
    if (failed.length > 0 && !this.#isClosed) this.#flushIn(RETRY_MS)
    this.#confirmLater(textNos.filter((no) => !failed.includes(no)))
  }

  /** Forgets what the server has as read. @param unread the unread texts that the server reports */
  onUnread(unread: readonly NumberedUnread[]): void {
    if (this.read.value.size === 0) return
    const reported = new Set(unread.flatMap(({ unread_texts }) => unread_texts))
    this.#confirm([...this.read.value].filter((no) => !reported.has(no)))
  }

  /** Takes no more markings. Sends those that wait, unless the session is lost. */
  async close(isLost: boolean): Promise<void> {
    this.#isClosed = true
    this.#isLost = isLost
    clearTimeout(this.#timer)
    if (!isLost) await this.flush()
  }

  #keep(): void {
    // The next session has read them.
    if (this.#isLost) return
    const textNos = [...this.#waiting, ...this.#sending]
    writeStored('sessionStorage', this.#key, textNos.length === 0 ? undefined : textNos)
  }

  #confirmLater(textNos: readonly number[]): void {
    if (textNos.length === 0 || this.#isClosed) return
    setTimeout(() => {
      if (this.#isCurrent()) this.#confirm(textNos)
      else this.#confirmLater(textNos)
    }, CONFIRMATION_MS)
  }

  #confirm(textNos: readonly number[]): void {
    const known = textNos.filter((no) => !this.#waiting.has(no) && this.read.value.has(no))
    if (known.length > 0) this.read.value = new Set([...this.read.value].filter((no) => !known.includes(no)))
  }

  #flushIn(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.flush(), ms)
  }
}

function withNumber(numbers: ReadonlySet<number>, no: number): ReadonlySet<number> {
  return numbers.has(no) ? numbers : new Set([...numbers, no])
}

function withoutNumber(numbers: ReadonlySet<number>, no: number): ReadonlySet<number> {
  return numbers.has(no) ? new Set([...numbers].filter((each) => each !== no)) : numbers
}
