import { UnfinishedMessages } from '../protocol/unfinished-messages.ts'
import { Heartbeat } from './heartbeat.ts'

/** Settings of all connections of a gateway. Times are in milliseconds. */
export interface ConnectionSettings {
  /** deadline for TCP, greeting and handshake together */
  connectTimeoutMs: number
  /** deadline for each call, from the time when it is made */
  callTimeoutMs: number
  /** time without a byte from the server after which the gateway sends a keepalive */
  keepaliveMs: number
  /** time without a byte from the server after a keepalive, after which the connection is closed */
  keepaliveTimeoutMs: number
  /** size limit of a message from the server, in bytes */
  maxMessageBytes: number
}

/** The default settings of connections. */
export const DEFAULT_CONNECTION_SETTINGS: Readonly<ConnectionSettings> = {
  connectTimeoutMs: 10_000,
  callTimeoutMs: 20_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  maxMessageBytes: 32 * 1024 * 1024,
}

/** Creates a heartbeat whose interval is a quarter of the shortest deadline in `settings`, and one second at most. */
export function heartbeatFor(settings: Readonly<ConnectionSettings>): Heartbeat {
  const shortest = Math.min(settings.callTimeoutMs, settings.keepaliveMs, settings.keepaliveTimeoutMs)
  return new Heartbeat(Math.max(5, Math.min(1000, shortest / 4)))
}

/** Smallest limit on unfinished messages, in bytes. */
const MIN_UNFINISHED_BYTES = 64 * 1024 * 1024

/**
 * Creates the limit on the unfinished messages of all connections: four messages of the largest size, and 64 MiB at
 * least.
 */
export function unfinishedFor({ maxMessageBytes }: Readonly<ConnectionSettings>): UnfinishedMessages {
  return new UnfinishedMessages(Math.max(MIN_UNFINISHED_BYTES, 4 * maxMessageBytes))
}
