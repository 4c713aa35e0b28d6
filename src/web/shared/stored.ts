/** Values in `localStorage` and `sessionStorage`, which browsers may disable and which may be full. */

/** Returns a stored value, undefined if there is none. */
export function readStored<T>(storage: 'localStorage' | 'sessionStorage', key: string): T | undefined {
  try {
    const text = window[storage].getItem(key)
    return text === null ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined
  }
}

/** Stores a value, or removes it if it is undefined. Returns whether that was possible. */
export function writeStored(storage: 'localStorage' | 'sessionStorage', key: string, value: unknown): boolean {
  try {
    if (value === undefined) window[storage].removeItem(key)
    else window[storage].setItem(key, JSON.stringify(value))
    return true
  } catch {
    return false
  }
}
