/** INT32 in the specification, but lyskomd extends the sign of what is over 31 bits, and answers to another number. */
const MAX_REF_NO = 2 ** 31 - 1

/** A call that waits for its reply. Its caller is answered once, whatever happens twice. */
export class Waiting<C> {
  readonly call: C
  /** In the clock of `Pending.expire`, milliseconds. */
  readonly deadline: number
  /** What it takes to hold it, bytes. */
  readonly size: number
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: Error) => void
  #settled = false
  #isOver = false
  #onOver: (() => void) | undefined

  constructor(
    call: C,
    { deadline, size }: { deadline: number; size: number },
    resolve: (value: unknown) => void,
    reject: (error: Error) => void,
  ) {
    this.call = call
    this.deadline = deadline
    this.size = size
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Whether the caller has been answered. The server's reply may still come. */
  get settled(): boolean {
    return this.#settled
  }

  resolve(value: unknown): void {
    if (this.#settled) return
    this.#settled = true
    this.#resolve(value)
  }

  reject(error: Error): void {
    if (this.#settled) return
    this.#settled = true
    this.#reject(error)
  }

  /** Resolves when the server has answered, or will not. */
  over(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver) resolve()
      else this.#onOver = resolve
    })
  }

  /** No reply is to come any more. */
  end(): void {
    this.#isOver = true
    this.#onOver?.()
  }
}

/**
 * The calls that wait on one connection, by reference number. Replies may come in any order. Each call leaves by
 * `take` or `rejectAll`; one that `expire` has rejected stays until its late reply comes.
 */
export class Pending<C> {
  /** None while nobody waits: most sessions are idle most of the time. */
  #waiting: Map<number, Waiting<C>> | undefined
  #lastRefNo = 0
  #bytes = 0

  get size(): number {
    return this.#waiting?.size ?? 0
  }

  /** How many numbers have been given out: as many as calls were made, until they begin anew. */
  get made(): number {
    return this.#lastRefNo
  }

  /** A reference number that no waiting call has. */
  nextRefNo(): number {
    do {
      this.#lastRefNo = this.#lastRefNo >= MAX_REF_NO ? 1 : this.#lastRefNo + 1
    } while (this.#waiting?.has(this.#lastRefNo))
    return this.#lastRefNo
  }

  /** The bytes that the waiting calls take. */
  get bytes(): number {
    return this.#bytes
  }

  add(refNo: number, waiting: Waiting<C>): void {
    this.#waiting ??= new Map()
    this.#waiting.set(refNo, waiting)
    this.#bytes += waiting.size
  }

  /** Takes out the call that a reply is for; undefined if no such call was made. */
  take(refNo: number): Waiting<C> | undefined {
    const waiting = this.#waiting?.get(refNo)
    if (waiting === undefined) return undefined
    this.#waiting?.delete(refNo)
    if (this.#waiting?.size === 0) this.#waiting = undefined
    this.#bytes -= waiting.size
    waiting.end()
    return waiting
  }

  /** Rejects the calls whose deadline has passed; they stay until their late reply comes. Returns all that are late. */
  expire(now: number, error: (call: C) => Error): Waiting<C>[] {
    const late: Waiting<C>[] = []
    for (const waiting of this.#waiting?.values() ?? []) {
      if (now <= waiting.deadline) continue
      late.push(waiting)
      if (!waiting.settled) waiting.reject(error(waiting.call))
    }
    return late
  }

  /** The line is dead: everybody who waits is told so. Returns to how many this was news. */
  rejectAll(error: Error): number {
    const all = [...(this.#waiting?.values() ?? [])]
    const unsettled = all.filter(({ settled }) => !settled).length
    this.#waiting = undefined
    this.#bytes = 0
    for (const waiting of all) {
      waiting.reject(error)
      waiting.end()
    }
    return unsettled
  }
}
