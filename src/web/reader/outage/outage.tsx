import './outage.css'
import { useEffect } from 'preact/hooks'
import { type Away, awayText } from './away.ts'
import { retryUntilDone } from './retry.ts'
import { t } from './strings.ts'

/**
 * The page while it cannot begin. It goes on by itself.
 *
 * @param retry tries to begin; resolves with whether that was possible
 */
export function Outage({ away, retry }: { away: Away; retry: () => Promise<boolean> }) {
  useEffect(() => {
    document.title = 'komgate'
    const closing = new AbortController()
    void retryUntilDone(retry, closing.signal)
    return () => closing.abort()
  }, [retry])
  return (
    <section class="problem">
      <h1>komgate</h1>
      <p role="status">{awayText(away)}</p>
      <p class="quiet">{t.value.nothingIsLost}</p>
    </section>
  )
}
