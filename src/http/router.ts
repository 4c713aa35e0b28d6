import type { Result, Router } from 'hono/router'
import { TrieRouter } from 'hono/router/trie-router'
import { LRUCache } from 'lru-cache'
import { withoutIds } from './ids.ts'

/** Paths, whose servers and resources are few; what varies in them is asked for once or twice. */
const MAX_REMEMBERED = 500
const MAX_LENGTH = 200

/**
 * Hono's router for paths of every kind, which takes as long for one of ours as all the middleware in front of it, and
 * what it found for the paths asked for last. Hono's fast router, one expression for all routes, refuses a number
 * beside a word in the same place, `/texts/4711` beside `/texts/marks`.
 */
export class RememberingRouter<T> implements Router<T> {
  readonly name = 'RememberingRouter'
  readonly #router = new TrieRouter<T>()
  readonly #found = new LRUCache<string, Result<T>>({ max: MAX_REMEMBERED })

  add(method: string, path: string, handler: T): void {
    this.#router.add(method, path, handler)
    this.#found.clear()
  }

  match(method: string, path: string): Result<T> {
    const key = `${method} ${path}`
    return this.#found.get(key) ?? this.#search(method, path, key)
  }

  #search(method: string, path: string, key: string): Result<T> {
    const found = this.#router.match(method, path)
    // What opens a session is not kept for longer than its request.
    if (path.length <= MAX_LENGTH && withoutIds(path) === path) this.#found.set(key, found)
    return found
  }
}
