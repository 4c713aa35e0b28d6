import type { Live } from 'komgate/client'

/** How long a page that has been shown keeps its stream of events, milliseconds: it may be shown again soon. */
const HIDDEN_MS = 30_000
/** How long a page waits for the lock before it counts as taken by another one, milliseconds. */
const LOCK_MS = 1000

type Pausable = Pick<Live, 'pause' | 'resume'>

/**
 * Ends the stream of events while the page is hidden: without HTTP/2 a browser has 6 connections to a gateway, those of all
 * its tabs, and a session has 8 streams. One of the hidden pages keeps its stream, for notifications.
 *
 * @param name the same for all pages of a person
 * @returns stops it
 */
export function pauseWhileHidden(live: Pausable, name: string): () => void {
  let shown = new AbortController()
  const follow = (hiddenMs: number): void => {
    shown.abort()
    shown = new AbortController()
    if (document.visibilityState === 'hidden') hide(live, name, hiddenMs, shown.signal)
    else live.resume()
  }
  const onChange = (): void => follow(HIDDEN_MS)
  document.addEventListener('visibilitychange', onChange)
  // It may have been opened in the background, with others.
  follow(0)
  return () => {
    document.removeEventListener('visibilitychange', onChange)
    shown.abort()
  }
}

/** Pauses after a while, except while the page has the lock of the one that keeps its stream. */
function hide(live: Pausable, name: string, hiddenMs: number, shown: AbortSignal): void {
  let isKept = false
  const keep = async (): Promise<void> => {
    isKept = true
    live.resume()
    await new Promise((resolve) => shown.addEventListener('abort', resolve))
  }
  after(hiddenMs, shown, () => {
    // Browsers have locks where they have notifications: over HTTPS and on the same computer.
    navigator.locks?.request(`komgate.stream.${name}`, { signal: shown }, keep).catch(() => undefined)
    after(LOCK_MS, shown, () => {
      if (!isKept) live.pause()
    })
  })
}

function after(ms: number, until: AbortSignal, act: () => void): void {
  const timer = setTimeout(act, ms)
  until.addEventListener('abort', () => clearTimeout(timer))
}
