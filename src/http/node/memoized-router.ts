/**
 * Hono's default router costs 14 % of the throughput of who-am-i. It tries its fast `RegExpRouter` first, which does
 * not support a number and a word at the same position, `/texts/4711` and `/texts/marks` (honojs/hono#1140), and falls
 * back to `TrieRouter`, which searches its tree for each request.
 */

import type { Result, Router } from 'hono/router'
import { TrieRouter } from 'hono/router/trie-router'
import { LRUCache } from 'lru-cache'
import { withoutIds } from '../input/ids.ts'

/** Cached paths. The least recently used ones are evicted first. */
const MAX_REMEMBERED = 500
const MAX_LENGTH = 200

/** Hono's `TrieRouter` with a cache of recent lookups. */
export class MemoizedRouter<T> implements Router<T> {
  readonly name = 'MemoizedRouter'
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
    // Connection ids and tokens must not stay in memory after their request, so such paths are not cached.
    if (path.length > MAX_LENGTH || withoutIds(path) !== path) return this.#router.match(method, path)
    // V8 keeps a whole string alive for a substring of it: copy the path, so that the rest of the URL is released.
    const copy = Buffer.from(path).toString()
    const found = this.#router.match(method, copy)
    this.#found.set(`${method} ${copy}`, found)
    return found
  }
}
