import { hash, timingSafeEqual } from 'node:crypto'
import { GuessLimits } from '../../sessions/guess-limits.ts'

/** Matches every app. */
const ANY = '*'

/** Options of `AppKeys`. */
export interface AppKeyOptions {
  /** allows every client without a key; default: false */
  isOpen?: boolean
  /** limits the rate of failed attempts on these keys; default: no limit */
  guesses?: GuessLimits
  /** the name of these keys in `guesses`; they share one counter, since each attempt is compared with all keys */
  subject: string
}

/** Limits of the attempts on keys: those of logins. */
export interface KeyGuessOptions {
  /** failures from one network before attempts are delayed */
  freeLoginFailures: number
  /** failures from all networks without an earlier success, before attempts are delayed */
  freeLoginFailuresPerPerson: number
  /** longest delay, milliseconds */
  maxLoginDelayMs: number
}

/** Creates the limits of failed attempts on all keys of a gateway. */
export function keyGuessLimits({
  freeLoginFailures,
  freeLoginFailuresPerPerson,
  maxLoginDelayMs,
}: KeyGuessOptions): GuessLimits {
  return new GuessLimits({
    limit: 'key-failures',
    message: 'Too many wrong keys; wait before the next one.',
    free: freeLoginFailures,
    freeInAll: freeLoginFailuresPerPerson,
    maxDelayMs: maxLoginDelayMs,
  })
}

/** Authorizes the programs that may list, end and store the sessions of an app: those with one of its keys. */
export class AppKeys {
  readonly #keys: readonly { app: string; digest: Buffer }[]
  readonly #options: AppKeyOptions

  /** @param keys pairs of an app id, or `*` for all apps, and its key */
  constructor(keys: readonly { app: string; key: string }[], options: AppKeyOptions) {
    this.#keys = keys.map(({ app, key }) => ({ app, digest: digestOf(key) }))
    this.#options = options
  }

  /** Whether every client is allowed without a key. */
  get isOpen(): boolean {
    return this.#options.isOpen === true
  }

  /**
   * Returns whether a client may use an app. Takes the same time for each key of the same length, valid or not.
   * @param address the IP address of the client
   * @throws LimitError if too many attempts from the network of the client failed
   */
  allow(app: string, key: string | undefined, address: string): boolean {
    const { guesses, subject } = this.#options
    if (this.isOpen) return true
    if (key === undefined) return false
    const isValid = this.#matches(app, key)
    guesses?.check(subject, address, isValid)
    return isValid
  }

  #matches(app: string, key: string): boolean {
    const digest = digestOf(key)
    let isValid = false
    for (const each of this.#keys) {
      const isKey = timingSafeEqual(each.digest, digest)
      if (isKey && (each.app === app || each.app === ANY)) isValid = true
    }
    return isValid
  }
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}
