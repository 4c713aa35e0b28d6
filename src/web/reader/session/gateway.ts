import { type ConnectOptions, connect, type Kom, UnavailableError } from 'komgate/client'

/** The base URL of the gateway: this page is below it in app/. */
const BASE = new URL('..', document.baseURI)

/** Characters of a request that may go on when the page is closed. */
const MAX_OUTLIVING = 16_384

/** A LysKOM server of the gateway. */
export interface Server {
  id: string
  name: string
  /** whether it may be the demo server, which runs in the process of the gateway */
  isLocal: boolean
}

/** Returns the servers of the gateway in their order. @throws UnavailableError if the gateway does not list them */
export async function listServers(): Promise<Server[]> {
  const response = await fetch(BASE, { headers: { Accept: 'application/json' } }).catch(() => undefined)
  if (!response?.ok) throw new UnavailableError('no list of servers', { httpStatus: response?.status ?? 0 })
  const list: Record<string, { id: string; name: string; host: string; sort_order: number }> = await response.json()
  return Object.values(list)
    .sort((a, b) => a.sort_order - b.sort_order)
    .map(({ id, name, host }) => ({ id, name, isLocal: ['127.0.0.1', '::1', 'localhost'].includes(host) }))
}

/** Opens a session on a server, or resumes one. */
export function openSession(server: string, options: Pick<ConnectOptions, 'connectionId'> = {}): Promise<Kom> {
  return connect({
    url: BASE,
    server,
    client: { name: 'komgate reader', version: '1' },
    batch: true,
    fetch: (url, init) => fetch(url, mayOutlivePage(init) ? { ...init, keepalive: true } : init),
    ...options,
  })
}

/**
 * Returns whether a request goes on when the page is closed: what is sent while it is hidden, such as read markings, may be
 * the last. Browsers reject larger bodies of such requests, 64 kB together.
 */
function mayOutlivePage(init: RequestInit | undefined): boolean {
  const { body } = init ?? {}
  return document.visibilityState === 'hidden' && typeof body === 'string' && body.length <= MAX_OUTLIVING
}

/** Returns the URL of the contents of a text, which works once. They may run nothing, see docs/api.md. */
export async function urlOfBody(kom: Kom, server: string, textNo: number): Promise<string> {
  const { ticket } = await kom.ticket()
  return new URL(`${server}/texts/${textNo}/body?ticket=${encodeURIComponent(ticket)}`, BASE).href
}
