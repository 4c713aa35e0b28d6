import { useEffect, useState } from 'preact/hooks'
import type { Gateway } from '../gateway.ts'
import { type Figures, withNewer } from './figures.ts'

const INTERVAL_MS = 2000

/** Returns the figures of 15 minutes, to which the newest are added while the page is visible. */
export function useFigures(gateway: Gateway): { figures?: Figures; error?: unknown } {
  const [state, setState] = useState<{ figures?: Figures; error?: unknown }>({})
  useEffect(() => {
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let figures: Figures | undefined
    const ask = async (): Promise<void> => {
      clearTimeout(timer)
      if (document.visibilityState === 'hidden') return
      try {
        const after = figures?.samples.at(-1)?.time ?? 0
        const newer = await gateway.json<Figures>(`admin/figures?after=${after}`, { signal: abort.signal })
        figures = { ...newer, samples: withNewer(figures?.samples ?? [], newer.samples) }
        if (!abort.signal.aborted) setState({ figures })
      } catch (error) {
        if (!abort.signal.aborted) setState((last) => ({ ...last, error }))
      }
      if (!abort.signal.aborted) timer = setTimeout(() => void ask(), INTERVAL_MS)
    }
    const onVisible = (): void => void ask()
    document.addEventListener('visibilitychange', onVisible)
    void ask()
    return () => {
      abort.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [gateway])
  return state
}
