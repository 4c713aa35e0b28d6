import { hash, timingSafeEqual } from 'node:crypto'

/** Stands for every app. */
const ANY = '*'

/** Who may list, kill and keep the sessions of an app: programs that have one of its keys. */
export class AppKeys {
  readonly #keys: readonly { app: string; digest: Buffer }[]
  readonly #isOpen: boolean

  /**
   * @param keys the app, or `*` for all of them, and its key
   * @param isOpen lets everybody in without a key
   */
  constructor(keys: readonly { app: string; key: string }[], isOpen: boolean) {
    this.#keys = keys.map(({ app, key }) => ({ app, digest: digestOf(key) }))
    this.#isOpen = isOpen
  }

  /** Takes the same time for each key of the same length, good or bad. */
  allow(app: string, key: string | undefined): boolean {
    if (this.#isOpen) return true
    if (key === undefined) return false
    const digest = digestOf(key)
    let good = false
    for (const each of this.#keys) {
      const isKey = timingSafeEqual(each.digest, digest)
      if (isKey && (each.app === app || each.app === ANY)) good = true
    }
    return good
  }
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}
