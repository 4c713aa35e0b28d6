/** INT32 in the specification, but lyskomd extends the sign of what is over 31 bits, and answers to another number. */
const MAX_REF_NO = 2 ** 31 - 1

/** A call that waits for its reply; answered once, whatever happens twice. */
export class Waiting<C> {
  readonly call: C
  /** In the clock of `Pending.expire`, milliseconds. */
  readonly deadline: number
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: Error) => void
  #settled = false
  #onAnswered: (() => void) | undefined

  constructor(call: C, deadline: number, resolve: (value: unknown) => void, reject: (error: Error) => void) {
    this.call = call
    this.deadline = deadline
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Whether the caller has been answered. The server's reply may still come. */
  get settled(): boolean {
    return this.#settled
  }

  resolve(value: unknown): void {
    if (this.#settle()) this.#resolve(value)
  }

  reject(error: Error): void {
    if (this.#settle()) this.#reject(error)
  }

  /** Resolves when the caller is answered. */
  answered(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#settled) resolve()
      else this.#onAnswered = resolve
    })
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#onAnswered?.()
    return true
  }
}

/**
 * The calls that wait on one connection, by reference number. Replies may come in any order. Each call leaves by
 * `take` or `rejectAll`; one that `expire` has rejected stays until its late reply comes.
 */
export class Pending<C> {
  readonly #waiting = new Map<number, Waiting<C>>()
  #lastRefNo = 0

  get size(): number {
    return this.#waiting.size
  }

  /** A reference number that no waiting call has. */
  nextRefNo(): number {
    do {
      this.#lastRefNo = this.#lastRefNo >= MAX_REF_NO ? 1 : this.#lastRefNo + 1
    } while (this.#waiting.has(this.#lastRefNo))
    return this.#lastRefNo
  }

  add(
    refNo: number,
    call: C,
    deadline: number,
    resolve: (value: unknown) => void,
    reject: (error: Error) => void,
  ): Waiting<C> {
    const waiting = new Waiting(call, deadline, resolve, reject)
    this.#waiting.set(refNo, waiting)
    return waiting
  }

  /** Takes out the call that a reply is for; undefined if no such call was made. */
  take(refNo: number): Waiting<C> | undefined {
    const waiting = this.#waiting.get(refNo)
    this.#waiting.delete(refNo)
    return waiting
  }

  /**
   * Rejects the calls whose deadline has passed. Returns for how many milliseconds the call that is longest overdue
   * has been so, 0 when none is.
   */
  expire(now: number, error: (call: C) => Error): number {
    let overdue = 0
    for (const waiting of this.#waiting.values()) {
      if (now <= waiting.deadline) continue
      overdue = Math.max(overdue, now - waiting.deadline)
      if (!waiting.settled) waiting.reject(error(waiting.call))
    }
    return overdue
  }

  /** The line is dead: everybody who waits is told so. */
  rejectAll(error: Error): void {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const waiting of all) waiting.reject(error)
  }
}
