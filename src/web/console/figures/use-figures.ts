import { useCallback } from 'preact/hooks'
import type { Gateway } from '../gateway.ts'
import { type Polled, usePolled } from '../use-polled.ts'
import { type Figures, withNewer } from './figures.ts'

const INTERVAL_MS = 2000

/** Returns the figures of 15 minutes, to which the newest are added while the page is visible. */
export function useFigures(gateway: Gateway): Polled<Figures> {
  const ask = useCallback(
    async (signal: AbortSignal, last: Figures | undefined): Promise<Figures> => {
      const after = last?.samples.at(-1)?.time ?? 0
      const newer = await gateway.json<Figures>(`admin/figures?after=${after}`, { signal })
      return { ...newer, samples: withNewer(last?.samples ?? [], newer.samples) }
    },
    [gateway],
  )
  return usePolled(ask, INTERVAL_MS)
}
