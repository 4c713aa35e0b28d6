import mysql, { type RowDataPacket } from 'mysql2/promise'
import { describe, expect, test } from 'vitest'
import { openBackend } from '../../../src/sessions/store/open.ts'
import { openMysql } from '../../../src/sessions/store/sql/sql.ts'
import { all } from '../../support/all.ts'
import { mariadbInstalled, startMariadb } from '../../support/mariadb-server.ts'
import { describeStore } from './contract.ts'
import { describeSql, recordWith } from './sql-contract.ts'
import { describeSqlServer, type SqlClient } from './sql-server-contract.ts'

describe.skipIf(!mariadbInstalled())('MariaDB', () => {
  describeStore('MariaDB', async () => {
    const server = await startMariadb()
    return {
      open: () => openBackend(server.url),
      dump: async () => JSON.stringify(await run(server.url, 'SELECT * FROM komgate_sessions')),
      outage: { begin: server.stop, end: server.start },
      close: server.close,
    }
  })

  describeSql('MariaDB', async () => {
    const server = await startMariadb()
    // Not what we need: neither the time that is written, nor an error for what does not fit.
    await run(server.url, "SET GLOBAL time_zone = '-05:00', GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'")
    return {
      open: (layout) =>
        openMysql(new URL(server.url), { table: 'ours', sidField: 'sid', keyNs: '', fields: {}, ...layout }),
      run: (statement) => run(server.url, statement),
      types: { id: 'INTEGER AUTO_INCREMENT', zoned: 'TIMESTAMP NULL', unzoned: 'DATETIME' },
      quote: '`',
      close: server.close,
    }
  })

  test('tables of old kinds are adopted too', async () => {
    const server = await startMariadb()
    for (const [table, options] of Object.entries({ old: 'ENGINE=MyISAM', older: 'ROW_FORMAT=COMPACT' })) {
      await run(server.url, `CREATE TABLE ${table} (sid VARCHAR(36) PRIMARY KEY) CHARACTER SET utf8mb4 ${options}`)
      const backend = await openBackend(`${server.url}?table=${table}`)
      const user = 'u'.repeat(200)
      const records = ['a', 'b'].map((end) => recordWith({ user: user + end }))
      for (const record of records) await backend.insert(record)
      expect(await all(backend.lists?.byUser('app', `${user}b`, Date.now()))).toEqual(records.slice(1))
      await backend.close()
    }
    await server.close()
  }, 60_000)

  describeSqlServer('MariaDB', {
    start: startMariadb,
    connect,
    lock: ['LOCK TABLES komgate_sessions WRITE'],
    others: "SELECT id FROM information_schema.processlist WHERE user = 'komgate' AND id <> connection_id()",
    kill: (id) => `KILL ${id}`,
    parameter: 'idleTimeout=60000',
  })
})

async function connect(url: string): Promise<SqlClient> {
  const connection = await mysql.createConnection({ uri: url, timezone: 'Z' })
  await connection.query("SET time_zone = '+00:00'")
  return {
    run: async (statement) => {
      const [rows] = await connection.query<RowDataPacket[]>(statement)
      return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : []
    },
    close: () => connection.end(),
  }
}

async function run(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = await connect(url)
  try {
    return await client.run(statement)
  } finally {
    await client.close()
  }
}
