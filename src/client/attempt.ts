import { onAbort } from './abort.ts'
import { UnavailableError } from './errors.ts'
import type { Sent } from './request.ts'

/** One attempt to carry out a request. */
export class Attempt {
  readonly request: Sent
  /** the value of the request */
  readonly value: Promise<unknown>
  readonly #controller = new AbortController()
  #resolve: (value: unknown) => void = () => undefined
  #reject: (reason: unknown) => void = () => undefined

  /** @param signals each aborts the attempt @param timeoutMs time after which it fails with an `UnavailableError` */
  constructor(request: Sent, signals: readonly (AbortSignal | undefined)[], timeoutMs: number) {
    this.request = request
    const settled = new Promise<unknown>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const abort = (reason: unknown): void => {
      this.#reject(reason)
      this.#controller.abort(reason)
    }
    const timer = setTimeout(() => {
      abort(new UnavailableError(`no response within ${timeoutMs} ms`, { httpStatus: 0 }))
    }, timeoutMs)
    const stop = onAbort(signals, abort)
    this.value = settled.finally(() => {
      clearTimeout(timer)
      stop()
    })
  }

  /** Aborts with the attempt. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Ends the attempt with the JSON of its response, or with a `Blob`. */
  succeed(value: unknown): void {
    const { field } = this.request
    this.#resolve(field === undefined ? value : (value as Record<string, unknown> | null)?.[field])
  }

  /** Ends the attempt with an error. It has no effect on an attempt that has ended. */
  fail(error: unknown): void {
    this.#reject(error)
  }
}
