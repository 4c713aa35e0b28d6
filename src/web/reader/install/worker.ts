import { go } from '../address.ts'

/**
 * Registers the service worker, see src/web/worker. Browsers have none on pages that are loaded over HTTP from another
 * host.
 */
export function registerWorker(): void {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined
  if (workers === undefined) return
  workers.addEventListener('message', ({ data }: MessageEvent<{ fragment?: string } | null>) => {
    // The person has clicked on a notification.
    if (typeof data?.fragment === 'string') go(data.fragment)
  })
  // The page comes first. Without a worker it is the same, as long as the gateway is there.
  const register = (): void => void workers.register('sw.js', { updateViaCache: 'none' }).catch(() => undefined)
  if (document.readyState === 'complete') register()
  else addEventListener('load', register, { once: true })
}
