/**
 * The service worker of the reader: its page opens while the gateway is away. It keeps the page and the assets of one
 * version, and nothing else: no response of the API, and no secret.
 */

/** Set by scripts/build-web.js: the assets of the page, relative to the scope, and a digest of the page and the assets. */
declare const ASSETS: readonly string[]
declare const VERSION: string

const worker = self as unknown as ServiceWorkerGlobalScope
const { scope } = worker.registration
const PREFIX = `komgate ${scope} `
const CACHE = PREFIX + VERSION
const KEPT: ReadonlySet<string> = new Set(ASSETS.map((asset) => new URL(asset, scope).href))
/** How long the gateway may take until the kept page is shown. */
const PATIENCE_MS = 4000
/** Statuses of a proxy whose gateway is away. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504])
/** Statuses of a gateway that does not serve the reader any more, see `--web off`. */
const GONE: ReadonlySet<number> = new Set([404, 410])

worker.addEventListener('install', (event) => {
  event.waitUntil(keep())
})

// Pages of the version before have the assets that they need until they are closed: this worker waits for that.
worker.addEventListener('activate', (event) => {
  event.waitUntil(removeCaches((name) => name !== CACHE))
})

worker.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request
  if (method !== 'GET') return
  const { origin, pathname } = new URL(url)
  if (mode === 'navigate' && origin + pathname === scope) event.respondWith(page(event.request))
  else if (KEPT.has(url)) event.respondWith(asset(event.request))
})

// Browsers on phones show notifications by the worker alone.
worker.addEventListener('notificationclick', (event) => {
  const { notification } = event
  notification.close()
  event.waitUntil(show(String(notification.data)))
})

async function keep(): Promise<void> {
  const cache = await caches.open(CACHE)
  await cache.addAll([new Request(scope, { cache: 'no-cache' }), ...KEPT])
}

/** Returns the page of the gateway, or the kept one while the gateway is away. */
async function page(request: Request): Promise<Response> {
  const network = fetch(request)
  const kept = await caches.match(scope, { cacheName: CACHE, ignoreVary: true })
  if (kept === undefined) return await network
  const response = await Promise.race([network.catch(() => undefined), patience()])
  if (response === undefined || AWAY.has(response.status)) return kept
  if (GONE.has(response.status)) {
    await worker.registration.unregister()
    await removeCaches(() => true)
  }
  return response
}

async function asset(request: Request): Promise<Response> {
  return (await caches.match(request.url, { cacheName: CACHE, ignoreVary: true })) ?? (await fetch(request))
}

/** Shows a fragment in a page of the reader, or in a new one. */
async function show(fragment: string): Promise<void> {
  const windows = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const shown = windows.find(({ url }) => url.split('#')[0] === scope)
  if (shown === undefined) await worker.clients.openWindow(scope + fragment)
  else {
    await shown.focus()
    shown.postMessage({ fragment })
  }
}

/** Removes caches of the worker, not those of another gateway on this host. */
async function removeCaches(isRemoved: (name: string) => boolean): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && isRemoved(name))
  await Promise.all(names.map((name) => caches.delete(name)))
}

function patience(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), PATIENCE_MS))
}

export {}
