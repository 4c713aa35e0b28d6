/** The idle timeout of a session in seconds: a header of the responses to session creation and who-am-i. */
export const LEASE_HEADER = 'Komgate-Lease'

/** Rounded down, so that clients that rely on it are not late, but at least 1. */
export function leaseHeader(sessionIdleMs: number): Readonly<Record<string, string>> {
  return { [LEASE_HEADER]: String(Math.max(1, Math.floor(sessionIdleMs / 1000))) }
}
