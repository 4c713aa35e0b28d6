/** The specification allows INT32, but lyskomd sign-extends numbers of more than 31 bits in its replies. */
const MAX_REF_NO = 2 ** 31 - 1

/** A call that waits for its reply. Only the first `resolve` or `reject` has an effect. */
export class Waiting<C> {
  readonly call: C
  /** Milliseconds, on the same clock as `now` of `Pending.expire`. */
  readonly deadline: number
  /** Size of the request, in bytes. */
  readonly size: number
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: Error) => void
  readonly #onReply: ((value: unknown) => void) | undefined
  #settled = false
  #hasEnded = false
  #onEnd: (() => void) | undefined

  /**
   * @param call data of the caller
   * @param limits `deadline` in milliseconds, `size` of the request in bytes
   * @param resolve receives the reply
   * @param reject receives the error
   * @param onReply receives the reply before `resolve`, and also a late one
   */
  constructor(
    call: C,
    { deadline, size }: { deadline: number; size: number },
    resolve: (value: unknown) => void,
    reject: (error: Error) => void,
    onReply?: (value: unknown) => void,
  ) {
    this.call = call
    this.deadline = deadline
    this.size = size
    this.#resolve = resolve
    this.#reject = reject
    this.#onReply = onReply
  }

  /** Whether the call was resolved or rejected. The server's reply may still arrive. */
  get settled(): boolean {
    return this.#settled
  }

  /** Resolves the call with the reply, unless it is settled. */
  resolve(value: unknown): void {
    this.#onReply?.(value)
    if (this.#settled) return
    this.#settled = true
    this.#resolve(value)
  }

  /** Rejects the call, unless it is settled. */
  reject(error: Error): void {
    if (this.#settled) return
    this.#settled = true
    this.#reject(error)
  }

  /** Resolves when the server has replied, or when no reply is expected any more. Supports one caller. */
  ended(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#hasEnded) resolve()
      else this.#onEnd = resolve
    })
  }

  /** Resolves `ended`. Called when no reply is expected any more. */
  end(): void {
    this.#hasEnded = true
    this.#onEnd?.()
  }
}

/**
 * The calls that wait on one connection, by reference number. Replies may arrive in any order. `take` and `rejectAll`
 * remove calls; a call that `expire` rejects stays until its late reply arrives.
 */
export class Pending<C> {
  /** undefined while no call waits, to save memory */
  #waiting: Map<number, Waiting<C>> | undefined
  #lastRefNo = 0
  #bytes = 0

  /** Number of waiting calls. */
  get size(): number {
    return this.#waiting?.size ?? 0
  }

  /** The last reference number. It equals the number of calls made, until the numbers wrap around. */
  get made(): number {
    return this.#lastRefNo
  }

  /** Returns a reference number that no waiting call uses. */
  nextRefNo(): number {
    do {
      this.#lastRefNo = this.#lastRefNo >= MAX_REF_NO ? 1 : this.#lastRefNo + 1
    } while (this.#waiting?.has(this.#lastRefNo))
    return this.#lastRefNo
  }

  /** Total size of the waiting requests, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds a call with the reference number of its request. */
  add(refNo: number, waiting: Waiting<C>): void {
    this.#waiting ??= new Map()
    this.#waiting.set(refNo, waiting)
    this.#bytes += waiting.size
  }

  /** Removes and returns the call with a reference number; undefined if there is none. */
  take(refNo: number): Waiting<C> | undefined {
    const waiting = this.#waiting?.get(refNo)
    if (waiting === undefined) return undefined
    this.#waiting?.delete(refNo)
    if (this.#waiting?.size === 0) this.#waiting = undefined
    this.#bytes -= waiting.size
    waiting.end()
    return waiting
  }

  /**
   * Rejects the calls whose deadline has passed. They stay until their late reply arrives.
   *
   * @param now milliseconds, on the same clock as the deadlines
   * @param error creates the error for a call
   * @returns all calls whose deadline has passed, including those rejected earlier
   */
  expire(now: number, error: (call: C) => Error): Waiting<C>[] {
    const late: Waiting<C>[] = []
    for (const waiting of this.#waiting?.values() ?? []) {
      if (now <= waiting.deadline) continue
      late.push(waiting)
      if (!waiting.settled) waiting.reject(error(waiting.call))
    }
    return late
  }

  /** Removes and rejects all calls. Returns the number of calls that were not settled before. */
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
