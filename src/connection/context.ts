import type { UnfinishedMessages } from '../protocol/unfinished-messages.ts'
import type { CallTracer } from './call-tracer.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { ConnectionObserver } from './observer.ts'
import type { ConnectionSettings } from './settings.ts'

/** Settings and services that connections share. */
export interface ConnectionContext {
  settings: Readonly<ConnectionSettings>
  /** the timer of deadlines and keepalives */
  heartbeat: Heartbeat
  /** limits the total size of unfinished messages; undefined for no limit */
  unfinished?: UnfinishedMessages
  /** receives the events of connections, for metrics */
  observer?: ConnectionObserver
  /** called for each call, for tracing */
  onCall?: CallTracer
}
