import type { Live } from 'komgate/client'

/** The shortest time between two requests. */
const INTERVAL_MS = 300_000

/**
 * Requests what events do not report, such as texts that the person has read with a client that uses no gateway, when
 * the person comes back to the page.
 *
 * @returns stops it
 */
export function revalidateOnReturn(live: Live): () => void {
  let lastAt = performance.now()
  const onReturn = (): void => {
    if (document.visibilityState === 'hidden' || performance.now() - lastAt < INTERVAL_MS) return
    lastAt = performance.now()
    live.revalidate().catch(() => undefined)
  }
  document.addEventListener('visibilitychange', onReturn)
  addEventListener('focus', onReturn)
  return () => {
    document.removeEventListener('visibilitychange', onReturn)
    removeEventListener('focus', onReturn)
  }
}
