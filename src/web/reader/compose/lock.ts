/** What runs in this window, by name. */
const running = new Map<string, Promise<unknown>>()

/**
 * Runs a function while none of that name runs in any window of the browser. Browsers have locks between windows on https
 * and on localhost alone; elsewhere this holds within the window.
 */
export async function exclusively<T>(name: string, run: () => Promise<T>): Promise<T> {
  const { locks } = globalThis.navigator ?? {}
  if (locks !== undefined) return await locks.request(name, run)
  const before = running.get(name)
  const made = (async () => {
    await before?.catch(() => undefined)
    return await run()
  })()
  running.set(name, made)
  try {
    return await made
  } finally {
    if (running.get(name) === made) running.delete(name)
  }
}
