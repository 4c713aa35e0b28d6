/** How long a session lives without a request, in seconds: the answers to its creation and to who-am-i have it. */
export const LEASE_HEADER = 'Komgate-Lease'

/** Rounded down, so that nobody who goes by it comes late; but never to nothing. */
export function leaseHeader(sessionIdleMs: number): Readonly<Record<string, string>> {
  return { [LEASE_HEADER]: String(Math.max(1, Math.floor(sessionIdleMs / 1000))) }
}
