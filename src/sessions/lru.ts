import { LRUCache } from 'lru-cache'

interface LruOptions {
  /** entries at most; the least recently used one is forgotten first */
  max: number
  /** milliseconds after which an entry is forgotten; default: never */
  ttl?: number
  /** milliseconds since any moment */
  clock?: () => number
}

/** A bounded map. It gives `maxSize` to `LRUCache`, which for `max` would allocate 0.4 MB per 10,000 entries at once. */
export function lru<V extends object | number>({ max, ttl = 0, clock }: LruOptions): LRUCache<string, V> {
  return new LRUCache<string, V>({
    maxSize: max,
    sizeCalculation: () => 1,
    ttl,
    // Reads the clock each time, so it needs no timer.
    ttlResolution: 0,
    ...(clock && { perf: { now: clock } }),
  })
}
