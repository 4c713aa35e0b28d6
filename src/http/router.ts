import type { Result, Router } from 'hono/router'
import { TrieRouter } from 'hono/router/trie-router'
import { LRUCache } from 'lru-cache'
import { withoutIds } from './ids.ts'

/** Paths. Those asked for once push each other out, those asked for all the time stay. */
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
    return this.#found.get(`${method} ${path}`) ?? this.#search(method, path)
  }

  #search(method: string, path: string): Result<T> {
    // What opens a session is not kept for longer than its request.
    if (path.length > MAX_LENGTH || withoutIds(path) !== path) return this.#router.match(method, path)
    // Nor what else is in the URL: of which the path is a part in memory too, and would keep all of it.
    const copy = Buffer.from(path).toString()
    const found = this.#router.match(method, copy)
    this.#found.set(`${method} ${copy}`, found)
    return found
  }
}
