import { UnfinishedMessages } from '../protocol/unfinished-messages.ts'
import { Heartbeat } from './heartbeat.ts'

/** How connections behave; the same for all connections of a gateway. Times in milliseconds. */
export interface ConnectionSettings {
  /** for TCP, greeting and handshake together */
  connectTimeoutMs: number
  /** for each call, from the moment it is made */
  callTimeoutMs: number
  /** after so long without a byte from the server it is asked for a sign of life */
  keepaliveMs: number
  /** and is dead when it gives none for so long */
  keepaliveTimeoutMs: number
  /** the longest message accepted from the server */
  maxMessageBytes: number
}

export const DEFAULT_CONNECTION_SETTINGS: Readonly<ConnectionSettings> = {
  connectTimeoutMs: 10_000,
  callTimeoutMs: 20_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  maxMessageBytes: 32 * 1024 * 1024,
}

/** The heartbeat that keeps the deadlines of `settings` to within a quarter, and a second at most. */
export function heartbeatFor(settings: Readonly<ConnectionSettings>): Heartbeat {
  const shortest = Math.min(settings.callTimeoutMs, settings.keepaliveMs, settings.keepaliveTimeoutMs)
  return new Heartbeat(Math.max(5, Math.min(1000, shortest / 4)))
}

const MIN_UNFINISHED_BYTES = 64 * 1024 * 1024

/** The bound on unfinished messages: four of the longest, 64 MB at least. */
export function unfinishedFor({ maxMessageBytes }: Readonly<ConnectionSettings>): UnfinishedMessages {
  return new UnfinishedMessages(Math.max(MIN_UNFINISHED_BYTES, 4 * maxMessageBytes))
}
