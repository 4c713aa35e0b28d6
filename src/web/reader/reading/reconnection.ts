import type { Live } from 'komgate/client'

/**
 * Opens the stream of events at once when the device is online again: the next attempt may be half a minute away.
 * @returns stops it
 */
export function reconnectOnline(live: Pick<Live, 'state' | 'pause' | 'resume'>): () => void {
  const onOnline = (): void => {
    if (live.state.status !== 'reconnecting') return
    live.pause()
    live.resume()
  }
  addEventListener('online', onOnline)
  return () => removeEventListener('online', onOnline)
}
