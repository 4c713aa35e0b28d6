import { LRUCache } from 'lru-cache'

interface LruOptions {
  /** maximum number of entries; the least recently used entry is dropped first */
  max: number
  /** milliseconds after which an entry expires; 0, the default: never */
  ttl?: number
  /** the current time, milliseconds since an arbitrary origin */
  clock?: () => number
}

/**
 * Creates a bounded map that evicts the least recently used entry. It passes `maxSize` to `LRUCache`, since `max` would
 * allocate 0.4 MB per 10,000 entries in advance.
 */
export function lru<V extends object | number>({ max, ttl = 0, clock }: LruOptions): LRUCache<string, V> {
  return new LRUCache<string, V>({
    maxSize: max,
    sizeCalculation: () => 1,
    ttl,
    // With resolution 0 the cache reads the clock each time and needs no timer.
    ttlResolution: 0,
    ...(clock && { perf: { now: clock } }),
  })
}
