import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openSqlite } from '../../src/store/backends/sql/sql.ts'
import { openBackend } from '../../src/store/open.ts'
import type { SessionRecord } from '../../src/store/record.ts'
import { describeStore } from './contract.ts'
import { describeSql, recordWith } from './sql-contract.ts'

interface NodeSqlite {
  DatabaseSync: new (path: string) => { prepare(text: string): { all(): Record<string, unknown>[] }; close(): void }
}

const driver = process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined

if (driver === undefined) {
  test('aborts startup with a one-line error if Node.js has no SQLite', async () => {
    const error = new TypeError(`SQLite stores require Node.js 22.13 or later, and this is ${process.version}`)
    await expect(openBackend('sqlite:/tmp/anything')).rejects.toThrow(error)
  })
} else {
  const { DatabaseSync } = driver
  const dir = mkdtempSync(join(tmpdir(), 'komgate-sqlite-'))
  afterAll(() => rmSync(dir, { recursive: true }))
  const run = (path: string, statement: string): Record<string, unknown>[] => {
    const database = new DatabaseSync(path)
    try {
      return database
        .prepare(statement)
        .all()
        .map((row) => ({ ...row }))
    } finally {
      database.close()
    }
  }

  describeStore('SQLite', async () => {
    const path = join(dir, 'store.db')
    return {
      open: () => openBackend(`sqlite:${path}`),
      dump: async () => JSON.stringify(run(path, 'SELECT * FROM komgate_sessions')),
      close: async () => undefined,
    }
  })

  describeSql('SQLite', async () => {
    const path = join(dir, 'tables.db')
    return {
      open: (layout) =>
        openSqlite(new URL(`sqlite:${path}`), { table: 'ours', sidField: 'sid', keyNs: '', fields: {}, ...layout }),
      run: async (statement) => run(path, statement),
      types: { id: 'INTEGER', zoned: 'DATETIME', unzoned: 'DATETIME' },
      quote: '"',
      close: async () => undefined,
    }
  })

  describe('SQLite files', () => {
    test('rejects a file that cannot be opened with a message that contains the path', async () => {
      const missing = join(dir, 'missing', 'file.db')
      const unavailable = { name: 'StoreError', code: 'unavailable', message: expect.stringContaining(missing) }
      await expect(openBackend(`sqlite:${missing}`)).rejects.toMatchObject(unavailable)
    })

    test.for(['sqlite:', 'sqlite:/', 'sqlite://host/file', 'sqlite:/tmp/x?pool=3', 'sqlite:/tmp/%zz'])(
      'rejects the URL %s, which names no file',
      async (url) => {
        await expect(openBackend(url)).rejects.toThrow(TypeError)
      },
    )

    test('opens files with spaces and accents in their names, and separates the sessions of two files', async () => {
      const record = recordWith({})
      for (const name of ['a b.db', 'å%25.db']) {
        const first = await openBackend(`sqlite:${dir}/${name}`)
        await first.insert(record)
        await first.close()
        const again = await openBackend(`sqlite://${dir}/${name}`)
        expect(await again.find(record.key)).toEqual(record)
        await again.close()
      }
      const other = await openBackend('sqlite::memory:')
      expect(await other.find(record.key)).toBeUndefined()
      await other.insert(record)
      expect(await other.find(record.key)).toEqual(record)
      await other.close()
    })

    test('rejects writes while another process locks the file, and accepts writes afterwards', async () => {
      const path = join(dir, 'locked.db')
      const backend = await openBackend(`sqlite:${path}`)
      const record = recordWith({})
      await backend.insert(record)
      const other = new DatabaseSync(path)
      other.prepare('BEGIN EXCLUSIVE').all()
      expect(await backend.find(record.key)).toEqual(record)
      await expect(backend.touch('app', record.key, Date.now())).rejects.toMatchObject({ code: 'unavailable' })
      other.close()
      expect(await backend.touch('app', record.key, Date.now())).toEqual(record)
      await backend.close()
    })
  })

  /** Mounts a file system of some MB. Returns its path, undefined without root privileges. */
  const smallDisk = (megabytes: number): string | undefined => {
    const path = mkdtempSync(join(dir, 'disk-'))
    const mount = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'komgate-test', path]
    return spawnSync('mount', mount).status === 0 ? path : undefined
  }

  describe.each([2, 8, 24])('SQLite on a full disk of %i MB', (megabytes) => {
    const disk = smallDisk(megabytes)
    afterAll(() => {
      if (disk !== undefined) spawnSync('umount', ['-l', disk])
    })

    test.skipIf(disk === undefined)(
      'rejects new sessions with full, ends existing ones, and then accepts as many new ones',
      { timeout: 60_000 },
      async () => {
        const backend = await openBackend(`sqlite:${disk}/store.db`)
        const records: SessionRecord[] = []
        const full = { name: 'StoreError', code: 'full' }
        const fill = async () => {
          for (;;) {
            const record = recordWith({
              idleMs: 1000,
              data: { x: 'x'.repeat(records.length % 2 === 0 ? 60_000 : 100) },
            })
            await backend.insert(record)
            records.push(record)
          }
        }
        await expect(fill()).rejects.toMatchObject(full)
        await expect(fill()).rejects.toMatchObject(full)
        // Another program uses the remaining space.
        expect(() => writeFileSync(join(`${disk}`, 'other'), Buffer.alloc(megabytes * 2 ** 20))).toThrow(/ENOSPC/)
        const half = records.splice(0, records.length / 2)
        for (const { key } of half) expect(await backend.remove(key)).toMatchObject({ key })
        for (const { key } of half) expect(await backend.find(key)).toBeUndefined()
        await expect(fill()).rejects.toMatchObject(full)
        expect(records.length).toBeGreaterThan(half.length)
        await backend.sweep(Number.MAX_SAFE_INTEGER)
        for (const { key } of records.splice(0)) expect(await backend.find(key)).toBeUndefined()
        await expect(fill()).rejects.toMatchObject(full)
        expect(records.length).toBeGreaterThan(half.length)
        await backend.close()

        const again = await openBackend(`sqlite:${disk}/store.db`)
        for (const { key } of records) expect(await again.remove(key)).toMatchObject({ key })
        await again.close()
      },
    )
  })
}
