import './outage.css'
import type { Kom } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { listServers } from '../session/gateway.ts'
import { type Away, awayText, isOutage } from './away.ts'
import { retryUntilDone } from './retry.ts'

/**
 * Says in the login form that the LysKOM server or the gateway is away, while it is.
 *
 * @param isWatched whether there is a reason to believe that it is away
 * @param onBack called when it is there again
 */
export function ServerAway({
  isWatched,
  withSession,
  onBack,
}: {
  isWatched: boolean
  withSession: <T>(use: (kom: Kom) => Promise<T>) => Promise<T>
  onBack: () => void
}) {
  const [away, setAway] = useState<Away>()
  const latest = useRef(onBack)
  latest.current = onBack
  useEffect(() => {
    if (!isWatched) return
    const closing = new AbortController()
    const attempt = async (): Promise<boolean> => {
      const found = await findAway(withSession)
      if (closing.signal.aborted) return true
      setAway(found)
      return found === undefined
    }
    const watch = async (): Promise<void> => {
      if (await attempt()) return
      await retryUntilDone(attempt, closing.signal)
      if (!closing.signal.aborted) latest.current()
    }
    void watch()
    return () => {
      closing.abort()
      setAway(undefined)
    }
  }, [isWatched, withSession])
  return <div role="status">{away !== undefined && <p class="banner">{awayText(away)}</p>}</div>
}

async function findAway(withSession: <T>(use: (kom: Kom) => Promise<T>) => Promise<T>): Promise<Away | undefined> {
  try {
    await withSession((kom) => kom.whoAmI())
    return undefined
  } catch (error) {
    if (!isOutage(error)) return undefined
    return await listServers().then(
      () => 'lyskom',
      () => 'gateway',
    )
  }
}
