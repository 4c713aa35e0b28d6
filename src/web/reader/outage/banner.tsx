import './outage.css'
import type { ReadonlySignal } from '@preact/signals'
import type { LiveState } from 'komgate/client'
import { useEffect, useState } from 'preact/hooks'
import { awayText } from './away.ts'

/** A shorter interruption is not mentioned: a proxy may end streams from time to time. */
const PATIENCE_MS = 1500

/** Says that the connection to the gateway is interrupted, while it is. */
export function Banner({ state }: { state: ReadonlySignal<LiveState> }) {
  const isAway = state.value.status === 'reconnecting'
  const [isShown, setShown] = useState(false)
  useEffect(() => {
    if (!isAway) return setShown(false)
    const timer = setTimeout(() => setShown(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [isAway])
  return <div role="status">{isAway && isShown && <p class="banner">{awayText('gateway')}</p>}</div>
}
