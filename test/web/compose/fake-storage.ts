import { vi } from 'vitest'

/** Stubs `localStorage` for modules of the web client that run in Node. Returns what it holds. */
export function stubStorage({ isFull = () => false }: { isFull?: () => boolean } = {}): Record<string, string> {
  const held: Record<string, string> = Object.create({
    getItem: (key: string) => (Object.hasOwn(held, key) ? held[key] : null),
    setItem(key: string, value: string) {
      if (isFull()) throw new Error('QuotaExceededError')
      held[key] = value
    },
    removeItem: (key: string) => void delete held[key],
  })
  vi.stubGlobal('localStorage', held)
  vi.stubGlobal('window', { localStorage: held })
  return held
}
