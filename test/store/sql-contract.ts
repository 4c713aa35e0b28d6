import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/store/backend.ts'
import type { Layout } from '../../src/store/layout.ts'
import { keyOf, type SessionRecord } from '../../src/store/record.ts'
import { all } from '../support/all.ts'
import { repetitions } from '../support/repetitions.ts'

/** A database for one test file. */
export interface SqlHarness {
  open(layout?: Partial<Layout>): Promise<Backend>
  /** Runs a statement on a separate connection. */
  run(statement: string): Promise<Record<string, unknown>[]>
  types: {
    /** an auto-increment column */
    id: string
    /** columns for times: with a time zone, if the server has such a type, and without */
    zoned: string
    unzoned: string
  }
  /** the quote character for identifiers */
  quote: string
  close(): Promise<void>
}

const NOW = Date.UTC(2026, 0, 1, 12)
const END = Date.UTC(2026, 0, 2, 13, 14, 15)
const ADOPTED = {
  table: 'sessions',
  sidField: 'token_sess',
  fields: { ip: 'ip_sess', start: 'start_sess', stop: 'stop_sess', token: 'handle_sess' },
}

/** Defines the tests of the table of an SQL store, which may have existed before. */
export function describeSql(kind: string, start: () => Promise<SqlHarness>): void {
  describe(`table of ${kind}`, () => {
    let harness: SqlHarness
    const opened: Backend[] = []
    beforeAll(async () => {
      harness = await start()
    }, 60_000)
    afterAll(async () => {
      for (const backend of opened) await backend.close()
      await harness?.close()
    })

    const open = async (layout?: Partial<Layout>): Promise<Backend> => {
      const backend = await harness.open(layout)
      opened.push(backend)
      return backend
    }
    const createForeign = async (table: string): Promise<void> => {
      const { zoned, unzoned } = harness.types
      const times = `start_sess ${unzoned}, stop_sess ${zoned}`
      await harness.run(`CREATE TABLE ${table} (token_sess VARCHAR(36) PRIMARY KEY, ip_sess VARCHAR(15), ${times})`)
      await harness.run(`INSERT INTO ${table} (token_sess, ip_sess) VALUES ('theirs', '192.0.2.1')`)
    }

    test('adopts a table of another program and leaves its rows unchanged', async () => {
      await createForeign('sessions')
      const backend = await open(ADOPTED)
      const ip = '2001:db8:1111:2222:3333:4444:5555:6666'
      const record = recordWith({ ip, endsAt: END })
      await backend.insert(record)
      expect(await backend.find(record.key)).toEqual(record)
      const [ours] = await harness.run(`SELECT * FROM sessions WHERE token_sess = '${record.key}'`)
      expect(ours).toMatchObject({ ip_sess: ip, handle_sess: record.key.slice(0, 12) })
      expect(written(ours?.start_sess)).toBe('2026-01-01 12:00:00')
      expect(written(ours?.stop_sess)).toBe('2026-01-02 13:14:15')
      await harness.run(`INSERT INTO sessions (token_sess) VALUES ('${'f'.repeat(64)}')`)

      expect(await backend.update(record.key, 0, { endsAt: null }, NOW)).toBe(true)
      const [endless] = await harness.run(`SELECT stop_sess FROM sessions WHERE token_sess = '${record.key}'`)
      expect(endless?.stop_sess).toBeNull()

      const theirs = 'f'.repeat(64) as SessionRecord['key']
      expect(await backend.find(theirs)).toBeUndefined()
      expect(await backend.touch('', theirs, NOW)).toBeUndefined()
      expect(await backend.update(theirs, 0, { user: 'u' }, NOW)).toBe(false)
      expect(await backend.remove(theirs)).toBeUndefined()
      await backend.sweep(NOW * 2)
      expect(await all(backend.lists?.byUser('', '', NOW))).toEqual([])
      const rows = await harness.run('SELECT token_sess, ip_sess, start_sess FROM sessions ORDER BY token_sess')
      expect(rows).toContainEqual({ token_sess: 'theirs', ip_sess: '192.0.2.1', start_sess: null })
      expect(rows).toHaveLength(3)
    })

    test('adopts a table whose key column is not its primary key', async () => {
      await harness.run(`CREATE TABLE keyless (id ${harness.types.id} PRIMARY KEY, token_sess CHAR(20))`)
      const backend = await open({ table: 'keyless', sidField: 'token_sess' })
      const record = recordWith({})
      await backend.insert(record)
      expect(await backend.touch(record.app, record.key, NOW)).toEqual(record)
      expect(await backend.remove(record.key)).toMatchObject({ reads: 1 })
    })

    test('rejects an unusable table with a message that states the reason', async () => {
      await harness.run('CREATE TABLE unkeyed (a VARCHAR(64))')
      await expect(open({ table: 'unkeyed' })).rejects.toThrow(new TypeError('the table "unkeyed" has no column "sid"'))
      await harness.run('CREATE TABLE numbered (sid INTEGER)')
      await expect(open({ table: 'numbered' })).rejects.toThrow(TypeError)
      await harness.run('CREATE TABLE demanding (sid VARCHAR(64), owner VARCHAR(64) NOT NULL)')
      await expect(open({ table: 'demanding' })).rejects.toThrow(
        new TypeError('the column "owner" of "demanding" must have a default, or may be null'),
      )
      await expect(open({ fields: { ip: 'SID' } })).rejects.toThrow(TypeError)
      await expect(open({ sidField: 'komgate_user' })).rejects.toThrow(TypeError)
    })

    test('adds missing columns and indexes to a table of the store and keeps its rows', async () => {
      const layout = { table: 'older', fields: {} }
      const first = await harness.open(layout)
      const record = recordWith({ user: 'someone' })
      await first.insert(record)
      await first.close()
      const indexes = await harness.run(indexesOf(kind, 'older'))
      for (const { name } of indexes) {
        await harness.run(`DROP INDEX ${name}${kind === 'MariaDB' ? ' ON older' : ''}`)
      }
      expect(await harness.run(indexesOf(kind, 'older'))).toEqual([])
      await harness.run('ALTER TABLE older DROP COLUMN komgate_name')
      await harness.run('ALTER TABLE older DROP COLUMN komgate_reads')
      const backend = await open({ ...layout, fields: { start: 'began' } })
      expect(await backend.find(record.key)).toEqual({ ...record, name: '' })
      expect(await backend.touch(record.app, record.key, NOW)).toEqual({ ...record, name: '' })
      const another = recordWith({ user: 'someone' })
      await backend.insert(another)
      expect(await all(backend.lists?.byUser(record.app, 'someone', NOW))).toHaveLength(2)
      expect(await harness.run(indexesOf(kind, 'older'))).toHaveLength(indexes.length)
      expect(await harness.run(`SELECT began FROM older WHERE sid = '${another.key}'`)).toEqual([
        { began: '2026-01-01 12:00:00' },
      ])
    })

    test('prepares a new or adopted table when several gateways start at the same time', async () => {
      await createForeign('contested')
      for (const layout of [{ table: 'fresh' }, { ...ADOPTED, table: 'contested' }]) {
        const backends = await Promise.all(Array.from({ length: 5 }, () => open(layout)))
        const records = backends.map(() => recordWith({ user: 'shared' }))
        await Promise.all(backends.map((backend, i) => backend.insert(records[i] as SessionRecord)))
        for (const backend of backends) expect(await all(backend.lists?.byUser('app', 'shared', NOW))).toHaveLength(5)
      }
    }, 60_000)

    test('separates users and apps that a collation would treat as equal', async () => {
      const backend = await open()
      const alike = ['Asa', 'asa', 'åsa', 'Åsa', 'asa ', 'asa\t', 'A\u030asa', 'ss', 'ß', '1', '1.0', '01', '１']
      const unspeakable = ['a\0', 'a', 'a\\u0000', 'a\\', '\ud800', '\ud801', '\ufffd', '😀', '\udc00\ud800']
      const names = [...alike, ...unspeakable]
      for (const user of names) await backend.insert(recordWith({ app: 'users', user, name: user, ip: user }))
      for (const user of names) {
        const records = await all(backend.lists?.byUser('users', user, NOW))
        expect(records?.map((record) => [record.user, record.name, record.ip])).toEqual([[user, user, user]])
      }
      expect(await backend.lists?.countUsers('users', 0, NOW)).toBe(names.length)
      const apps = names.map((app) => recordWith({ app, user: 'u' }))
      for (const record of apps) await backend.insert(record)
      for (const { app, key } of apps) {
        expect(await all(backend.lists?.activeSince(app, Number.NEGATIVE_INFINITY, NOW, 9))).toHaveLength(1)
        expect(await backend.touch(app, key, NOW)).toMatchObject({ app })
      }
    })

    test('stores text that looks like SQL as text, in names too', async () => {
      const q = harness.quote
      const evil = `x${q}); DROP TABLE victims; --`
      await harness.run('CREATE TABLE victims (a VARCHAR(9))')
      const backend = await open({
        table: evil,
        sidField: `sid${q}--`,
        fields: { ip: `ip${q}; DROP TABLE victims; --` },
      })
      for (const text of [evil, "'; DROP TABLE victims; --", '\\', "\\'; DROP TABLE victims; -- ", '$1 ? :a']) {
        const record = recordWith({ app: text, user: text, name: text, ip: text.slice(0, 20), data: { [text]: text } })
        await backend.insert(record)
        expect(await backend.touch(text, record.key, NOW)).toEqual(record)
        expect(await backend.update(record.key, 0, { name: `${text}2`, data: {} }, NOW)).toBe(true)
        const after = { ...record, reads: 1, writes: 1, revision: 1, name: `${text}2`, data: {} }
        expect(await all(backend.lists?.byUser(text, text, NOW))).toEqual([after])
        expect(await backend.remove(record.key)).toEqual(after)
      }
      expect(await harness.run('SELECT a FROM victims')).toEqual([])
    })

    test('rejects text that no column can hold', async () => {
      const backend = await open()
      const refused = { name: 'StoreError', code: 'too-large' }
      await expect(backend.insert(recordWith({ user: 'x'.repeat(256) }))).rejects.toMatchObject(refused)
      await expect(backend.insert(recordWith({ app: 'x'.repeat(101) }))).rejects.toMatchObject(refused)
      const record = recordWith({ user: '日'.repeat(255) })
      await backend.insert(record)
      expect(await backend.find(record.key)).toEqual(record)
      await expect(backend.update(record.key, 0, { name: 'x'.repeat(256) }, NOW)).rejects.toMatchObject(refused)
      expect(await all(backend.lists?.byUser('app', 'x'.repeat(10_000), NOW))).toEqual([])
    })

    test('removes any number of expired records in a sweep, and no others', async () => {
      const backend = await open({ table: 'swept' })
      const expired = Array.from({ length: repetitions(2500, 1100) }, () => recordWith({ idleMs: 10 }))
      const ended = recordWith({ endsAt: NOW + 10 })
      const living = [
        recordWith({ idleMs: 11 }),
        recordWith({ endsAt: NOW + 12 }),
        recordWith({ idleMs: 11, endsAt: NOW + 12 }),
        recordWith({}),
      ]
      const active = recordWith({ idleMs: 10 })
      const records = [...expired, ended, active, ...living]
      // On a busy machine, concurrent calls would exceed the timeout of the store.
      while (records.length > 0) await Promise.all(records.splice(0, 100).map((record) => backend.insert(record)))
      await backend.touch('app', active.key, NOW + 5)
      await Promise.all([backend.sweep(NOW + 11), backend.sweep(NOW + 11)])
      const rows = await harness.run('SELECT sid FROM swept')
      expect(new Set(rows.map(({ sid }) => sid))).toEqual(new Set([active, ...living].map(({ key }) => key)))
    }, 60_000)

    test('applies a new end immediately, and does not restore an expired record', async () => {
      const backend = await open()
      const record = recordWith({ app: 'ends', idleMs: 100 })
      await backend.insert(record)
      const { key } = record
      expect(await backend.update(key, 0, { endsAt: NOW + 150 }, NOW + 90)).toBe(true)
      expect(await backend.touch('ends', key, NOW + 149)).toBeDefined()
      expect(await backend.touch('ends', key, NOW + 150)).toBeUndefined()
      expect(await all(backend.lists?.byUser('ends', 'u', NOW + 150))).toEqual([])
      expect(await backend.update(key, 1, { endsAt: null }, NOW + 149)).toBe(true)
      expect(await backend.touch('ends', key, NOW + 249)).toBeDefined()
      expect(await backend.touch('ends', key, NOW + 350)).toBeUndefined()
      // A gateway whose clock is behind does not set an earlier last activity.
      expect(await backend.touch('ends', key, NOW)).toMatchObject({ lastActive: NOW + 249 })
      expect(await backend.find(key)).toMatchObject({ lastActive: NOW + 249, reads: 3, writes: 2 })
    })

    test('loses no record or count with concurrent reads, writes and sweeps', async () => {
      const backends = [await open(), await open()] as const
      const record = recordWith({ app: 'busy' })
      const { key } = record
      await backends[0].insert(record)
      const shortLived = Array.from({ length: 50 }, () => recordWith({ app: 'busy', idleMs: 1 }))
      const all: Promise<unknown>[] = []
      for (const [i, other] of shortLived.entries()) {
        const [here, there] = i % 2 === 0 ? backends : [backends[1], backends[0]]
        all.push(here.insert(other), there.touch('busy', key, NOW + i), there.sweep(NOW + i))
        if (i % 5 === 0) all.push(writeOnce(here, key, i))
      }
      await Promise.all(all)
      expect(await backends[1].find(key)).toMatchObject({ reads: 50, writes: 10, revision: 10, lastActive: NOW + 49 })
      const given = await Promise.all(Array.from({ length: 20 }, (_, i) => backends[i % 2 === 0 ? 0 : 1].remove(key)))
      expect(given.filter((removed) => removed !== undefined)).toHaveLength(1)
    }, 30_000)
  })
}

async function writeOnce(backend: Backend, key: SessionRecord['key'], i: number): Promise<void> {
  for (;;) {
    const { revision, data } = (await backend.find(key)) as SessionRecord
    if (await backend.update(key, revision, { data: { ...data, [`k${i}`]: i } }, NOW)) return
  }
}

export function recordWith(some: Partial<SessionRecord>): SessionRecord {
  return {
    key: keyOf(randomUUID()),
    app: 'app',
    user: 'u',
    name: '',
    ip: '',
    created: NOW,
    lastActive: NOW,
    idleMs: null,
    endsAt: null,
    reads: 0,
    writes: 0,
    revision: 0,
    data: {},
    ...some,
  }
}

/** Returns a driver's time value as text in UTC. */
function written(time: unknown): string {
  return time instanceof Date ? time.toISOString().slice(0, 19).replace('T', ' ') : String(time)
}

/** Returns the indexes other than that of the primary key. */
function indexesOf(kind: string, table: string): string {
  if (kind === 'PostgreSQL') {
    return `SELECT relname AS name FROM pg_index JOIN pg_class ON oid = indexrelid
      WHERE indrelid = '${table}'::regclass AND NOT indisprimary`
  }
  if (kind === 'MariaDB') {
    return `SELECT DISTINCT index_name AS name FROM information_schema.statistics
      WHERE table_name = '${table}' AND index_name <> 'PRIMARY'`
  }
  return `SELECT name FROM pragma_index_list('${table}') WHERE origin = 'c'`
}
