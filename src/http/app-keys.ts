import { hash, timingSafeEqual } from 'node:crypto'
import type { GuessLimits } from '../sessions/guess-limits.ts'

/** Stands for every app. */
const ANY = '*'

export interface AppKeyOptions {
  /** allows every client without a key; default: false */
  isOpen?: boolean
  /** slows the guessing of these keys; without it there is no limit */
  guesses?: GuessLimits
  /** what these keys are called in `guesses`; all of them count as one, since each guess is compared with all of them */
  subject: string
}

/** Programs that may list, end and keep the sessions of an app: those that have one of its keys. */
export class AppKeys {
  readonly #keys: readonly { app: string; digest: Buffer }[]
  readonly #options: AppKeyOptions

  /** @param keys the app, or `*` for all of them, and its key */
  constructor(keys: readonly { app: string; key: string }[], options: AppKeyOptions) {
    this.#keys = keys.map(({ app, key }) => ({ app, digest: digestOf(key) }))
    this.#options = options
  }

  /**
   * Whether a client at an address may use an app. Takes the same time for each key of the same length, good or bad.
   * @throws LimitError if too many keys from the network of the client were wrong
   */
  allow(app: string, key: string | undefined, address: string): boolean {
    const { isOpen, guesses, subject } = this.#options
    if (isOpen) return true
    if (key === undefined) return false
    const isGood = this.#matches(app, key)
    guesses?.check(subject, address, isGood)
    return isGood
  }

  #matches(app: string, key: string): boolean {
    const digest = digestOf(key)
    let isGood = false
    for (const each of this.#keys) {
      const isKey = timingSafeEqual(each.digest, digest)
      if (isKey && (each.app === app || each.app === ANY)) isGood = true
    }
    return isGood
  }
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}
