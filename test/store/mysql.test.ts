import mysql, { type RowDataPacket } from 'mysql2/promise'
import { describe, expect, test } from 'vitest'
import { openMysql } from '../../src/store/backends/sql/sql.ts'
import { openBackend } from '../../src/store/open.ts'
import { all } from '../support/all.ts'
import { mariadbInstalled, startMariadb } from '../support/mariadb-server.ts'
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
    // Session settings that the store must override: they change the time written and allow truncation.
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

  test('adopts tables of old storage engines and formats', async () => {
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

  test('sends a server that identifies as MySQL no SQL that only MariaDB supports', { timeout: 60_000 }, async () => {
    const server = await startMariadb(['--version=8.0.36', '--general-log=1', '--log-output=TABLE'])
    const backend = await openBackend(server.url)
    const record = recordWith({ user: 'with a space ', name: ' ', data: { a: 1 } })
    await backend.insert(record)
    await backend.insert(recordWith({ user: 'with a space' }))
    expect(await backend.touch('app', record.key, record.lastActive)).toEqual(record)
    expect(await backend.update(record.key, 0, { name: 'x ' }, record.lastActive)).toBe(true)
    expect(await all(backend.lists?.byUser('app', 'with a space ', record.lastActive))).toMatchObject([{ name: 'x ' }])
    expect(await backend.lists?.countUsers('app', 0, record.lastActive)).toBe(2)
    const removed = await Promise.all(Array.from({ length: 5 }, () => backend.remove(record.key)))
    expect(removed.filter((each) => each !== undefined)).toMatchObject([{ name: 'x ', reads: 1, writes: 1 }])
    await backend.sweep(record.lastActive)
    await backend.close()
    const rows = await run(server.url, 'SELECT CONVERT(argument USING utf8mb4) AS text FROM mysql.general_log')
    const statements = rows
      .map(({ text }) => String(text).toLowerCase())
      .filter((text) => !text.includes('general_log'))
    expect(statements.some((text) => text.startsWith('create table'))).toBe(true)
    expect(statements.some((text) => text.startsWith('delete from'))).toBe(true)
    for (const text of statements) expect(text).not.toMatch(/returning|nopad|default '\{\}'/)
    await server.close()
  })

  test('rejects a server that identifies as a MySQL version that is too old', { timeout: 60_000 }, async () => {
    const server = await startMariadb(['--version=5.7.44-log'])
    await expect(openBackend(server.url)).rejects.toThrow(
      new TypeError('MySQL 5.7.44-log is not supported: stores require 8.0.13 or later'),
    )
    await server.close()
  })

  test('connects over the Unix socket in the URL', { timeout: 60_000 }, async () => {
    const server = await startMariadb()
    const [row] = await run(server.url, 'SELECT @@socket AS path')
    const [login] = /^.*@/.exec(server.url) ?? []
    for (const name of ['socketPath', 'socket', 'unix_socket']) {
      const backend = await openBackend(`${login}/komgate?${name}=${encodeURIComponent(String(row?.path))}`)
      expect(await backend.find(recordWith({}).key)).toBeUndefined()
      await backend.close()
    }
    await expect(openBackend(`${server.url}?ssl-mode=ON`)).rejects.toThrow(/"ssl-mode" must be DISABLED/)
    const plain = await openBackend(`${server.url}?ssl-mode=DISABLED`)
    await plain.close()
    await server.close()
  })

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
