import { connect } from '../../src/connection/connect.ts'
import type { Connection } from '../../src/connection/connection.ts'
import { type ConnectionSettings, DEFAULT_CONNECTION_SETTINGS, heartbeatFor } from '../../src/connection/settings.ts'
import type { MessageName } from '../../src/protocol/messages.ts'

/** Opens a connection to a LysKOM server on 127.0.0.1 with the default settings. */
export function connectTo(
  port: number,
  settings: Partial<ConnectionSettings> = {},
  accept: readonly MessageName[] = [],
): Promise<Connection> {
  const all = { ...DEFAULT_CONNECTION_SETTINGS, ...settings }
  return connect({
    host: '127.0.0.1',
    port,
    context: { settings: all, heartbeat: heartbeatFor(all) },
    user: 'komgate',
    clientHost: '192.0.2.7',
    client: { name: 'test', version: '1.0' },
    accept,
  })
}
