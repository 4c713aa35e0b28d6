import type { RedisAddress } from './address.ts'

/** Connect timeout, milliseconds: short, since the next attempt may already find the new master. */
const CONNECT_MS = 1500
/** Timeout of a connection without traffic, milliseconds. It also limits the client's handshake. */
const SILENT_MS = 4000
/** Interval of pings on an idle connection, milliseconds: shorter than `SILENT_MS`. */
const PING_MS = 1000
/** First and longest pause before the client connects again, milliseconds. */
const FIRST_PAUSE_MS = 100
export const LONGEST_PAUSE_MS = 400

/** Returns the pause before the client connects again, milliseconds. @param retries earlier attempts */
export function pauseBefore(retries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** retries, LONGEST_PAUSE_MS)
}

/** Returns the options that all clients of the `redis` package have. */
export function clientOptions(
  { socket, username, password, database }: RedisAddress,
  reconnectStrategy: (retries: number, cause: Error) => number | false,
) {
  return {
    RESP: 2 as const,
    socket: { ...socket, connectTimeout: CONNECT_MS, socketTimeout: SILENT_MS, reconnectStrategy },
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    database,
    pingInterval: PING_MS,
  }
}
