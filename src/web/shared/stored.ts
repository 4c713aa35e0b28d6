/** Values in `localStorage` and `sessionStorage`, which browsers may disable and which may be full. */

/** Where values are stored: for all tabs, also when the browser has been closed, or for one tab. */
export type StorageArea = 'localStorage' | 'sessionStorage'

/** Returns a stored value, undefined if there is none. */
export function readStored<T>(storage: StorageArea, key: string): T | undefined {
  try {
    const text = window[storage].getItem(key)
    return text === null ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined
  }
}

/** Stores a value, or removes it if it is undefined. Returns whether that was possible. */
export function writeStored(storage: StorageArea, key: string, value: unknown): boolean {
  try {
    if (value === undefined) window[storage].removeItem(key)
    else window[storage].setItem(key, JSON.stringify(value))
    return true
  } catch {
    return false
  }
}
