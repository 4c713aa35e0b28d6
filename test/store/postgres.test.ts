import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/store/backend.ts'
import { openPostgres } from '../../src/store/backends/sql/sql.ts'
import { openBackend } from '../../src/store/open.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { postgresInstalled, startPostgres } from '../support/postgres-server.ts'
import { describeStore } from './contract.ts'
import { describeSql, recordWith } from './sql-contract.ts'
import { describeSqlServer, type SqlClient } from './sql-server-contract.ts'

describe.skipIf(!postgresInstalled())('PostgreSQL', () => {
  describeStore('PostgreSQL', async () => {
    const server = await startPostgres()
    return {
      open: () => openBackend(server.url),
      dump: () => dump(server.url),
      outage: { begin: server.stop, end: server.start },
      close: server.close,
    }
  })

  describeSql('PostgreSQL', async () => {
    const server = await startPostgres()
    // A session time zone that the store must override.
    await run(server.url, "ALTER ROLE komgate SET timezone = 'America/New_York'")
    return {
      open: (layout) =>
        openPostgres(new URL(server.url), { table: 'ours', sidField: 'sid', keyNs: '', fields: {}, ...layout }),
      run: (statement) => run(server.url, statement),
      types: { id: 'SERIAL', zoned: 'TIMESTAMPTZ', unzoned: 'VARCHAR(19)' },
      quote: '"',
      close: server.close,
    }
  })

  describeSqlServer('PostgreSQL', {
    start: startPostgres,
    connect,
    lock: ['BEGIN', 'LOCK TABLE komgate_sessions'],
    others: 'SELECT pid AS id FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()',
    kill: (id) => `SELECT pg_terminate_backend(${id})`,
    parameter: 'application_name=a-test',
  })

  describe('touch on PostgreSQL', () => {
    let server: DatabaseServer
    let backend: Backend
    beforeAll(async () => {
      server = await startPostgres()
      backend = await openBackend(server.url)
    }, 60_000)
    afterAll(async () => {
      await backend?.close()
      await server?.close()
    })

    test('gives each of many concurrent reads the record as the previous one left it', async () => {
      const record = recordWith({})
      await backend.insert(record)
      const before = await Promise.all(
        Array.from({ length: 200 }, (_, i) => backend.touch('app', record.key, record.created + i)),
      )
      const reads = before.map((each) => each?.reads ?? -1).sort((a, b) => a - b)
      expect(reads).toEqual(Array.from({ length: 200 }, (_, i) => i))
    })
  })
})

async function connect(url: string): Promise<SqlClient> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return { run: async (statement) => (await client.query(statement)).rows, close: () => client.end() }
}

async function run(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = await connect(url)
  try {
    return await client.run(statement)
  } finally {
    await client.close()
  }
}

async function dump(url: string): Promise<string> {
  const rows = await run(url, 'SELECT t::text AS text FROM komgate_sessions AS t')
  return rows.map(({ text }) => text).join('\n')
}
