/** The header with the idle timeout of a session in seconds, of the responses to session creation, login and who-am-i. */
export const LEASE_HEADER = 'Komgate-Lease'

/** Returns the header with an idle timeout, rounded down so that clients that rely on it are not late, and at least 1. */
export function idleTimeoutHeader(idleMs: number): Readonly<Record<string, string>> {
  return { [LEASE_HEADER]: String(Math.max(1, Math.floor(idleMs / 1000))) }
}
