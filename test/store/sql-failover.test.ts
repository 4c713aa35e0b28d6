import mysql from 'mysql2/promise'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { Backend } from '../../src/store/backend.ts'
import { openBackend } from '../../src/store/open.ts'
import { mariadbInstalled, startMariadb } from '../support/mariadb-server.ts'
import { postgresInstalled, startPostgres } from '../support/postgres-server.ts'
import { recordWith } from './sql-contract.ts'

const CONNECTIONS = 10

/** Makes the backend open all its connections. */
async function fillPool(backend: Backend): Promise<void> {
  const { key } = recordWith({})
  const asked = Array.from({ length: 10 * CONNECTIONS }, () => backend.find(key))
  expect(await Promise.all(asked)).toHaveLength(10 * CONNECTIONS)
}

test.skipIf(!postgresInstalled())(
  'replaces all PostgreSQL connections to a standby once one of them rejects a write',
  async () => {
    const server = await startPostgres()
    const admin = new pg.Client({ connectionString: server.url })
    await admin.connect()
    const backend = await openBackend(`${server.url}?pool=${CONNECTIONS}`)
    const record = recordWith({})
    await backend.insert(record)

    // Makes new connections read-only, like those to a standby.
    await admin.query('ALTER ROLE komgate SET default_transaction_read_only = on')
    await admin.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user',
    )
    await expect.poll(() => backend.find(record.key).catch(() => undefined)).toBeDefined()
    await fillPool(backend)
    const before = backend.interruptions
    await admin.query('ALTER ROLE komgate RESET default_transaction_read_only')

    await expect(backend.insert(recordWith({}))).rejects.toMatchObject({ code: 'unavailable', kind: '25006' })
    expect(backend.interruptions).toBe(before + 1)
    for (let i = 0; i < 3 * CONNECTIONS; i++) await backend.insert(recordWith({}))
    expect(await backend.touch('app', record.key, record.lastActive)).toBeDefined()
    await backend.close()
    await admin.end()
    await server.close()
  },
  60_000,
)

test.skipIf(!mariadbInstalled())(
  'rejects writes to a read-only MariaDB with the error code of the server, and accepts writes when it is writable',
  async () => {
    const server = await startMariadb()
    const admin = await mysql.createConnection(server.url)
    await admin.query("CREATE USER app@'127.0.0.1' IDENTIFIED BY 'secret'")
    await admin.query("GRANT ALL ON komgate.* TO app@'127.0.0.1'")
    const backend = await openBackend(`mysql://app:secret@127.0.0.1:${server.port}/komgate`)
    const record = recordWith({})
    await backend.insert(record)
    await admin.query('SET GLOBAL read_only = 1')
    await expect(backend.insert(recordWith({}))).rejects.toMatchObject({
      code: 'unavailable',
      kind: 'ER_OPTION_PREVENTS_STATEMENT',
    })
    expect(backend.interruptions).toBe(1)
    expect(await backend.find(record.key)).toBeDefined()
    await admin.query('SET GLOBAL read_only = 0')
    await backend.insert(recordWith({}))
    await backend.close()
    await admin.end()
    await server.close()
  },
  60_000,
)
