import { expect, test } from 'vitest'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { afterWrite, type Change, isExpired, type Key, PAGE, type SessionRecord } from '../../src/store/index.ts'
import { describeBackend, type TestFramework } from '../../src/store/testing/index.ts'
import { all } from '../support/all.ts'

type Body = () => Promise<void> | void

/** Runs the tests of a backend. Returns the titles of those that fail. */
async function failuresOf(backend: MemoryBackend): Promise<string[]> {
  const tests: { title: string; body: Body }[] = []
  const [before, after, beforeEach]: Body[][] = [[], [], []]
  const framework: TestFramework = {
    expect,
    describe: (_, body) => body(),
    test: (title, body) => tests.push({ title, body }),
    beforeAll: (body) => before?.push(body),
    afterAll: (body) => after?.push(body),
    beforeEach: (body) => beforeEach?.push(body),
  }
  const dump = async () => ''
  describeBackend(framework, 'a backend', async () => ({ open: async () => backend, dump, close: async () => {} }))
  const failures: string[] = []
  for (const body of before ?? []) await body()
  for (const { title, body } of tests) {
    for (const prepare of beforeEach ?? []) await prepare()
    await Promise.resolve(body()).catch(() => failures.push(title))
  }
  for (const body of after ?? []) await body()
  return failures
}

const LIMITS = { maxRecords: 10_000, maxBytes: 10_000_000 }

test('the tests of a backend pass on the backend in memory', async () => {
  expect(await failuresOf(new MemoryBackend(LIMITS))).toEqual([])
})

test('the tests of a backend pass again on a server that holds the records of an earlier run', async () => {
  class Kept extends MemoryBackend {
    override async close(): Promise<void> {
      // The records are kept.
    }
  }
  const backend = new Kept(LIMITS)
  expect(await failuresOf(backend)).toEqual([])
  expect(await failuresOf(backend)).toEqual([])
})

/** Backends with one fault each, and a test that must report it. */
const FAULTY: [fault: string, test: string, Backend: new (limits: typeof LIMITS) => MemoryBackend][] = [
  [
    'does not count reads',
    'counts reads and restarts the idle timeout with each',
    class extends MemoryBackend {
      override async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
        const record = await this.find(key)
        return record?.app === app && !isExpired(record, now) ? record : undefined
      }
    },
  ],
  [
    'touches records of other apps',
    'finds no session for an unknown token or a token of another app',
    class extends MemoryBackend {
      override async touch(_: string, key: Key, now: number): Promise<SessionRecord | undefined> {
        return await super.touch((await this.find(key))?.app ?? '', key, now)
      }
    },
  ],
  [
    'touches expired records',
    'hides an idle session after its timeout, even before a sweep',
    class extends MemoryBackend {
      override async touch(app: string, key: Key): Promise<SessionRecord | undefined> {
        return await super.touch(app, key, 0)
      }
    },
  ],
  [
    'updates records of any revision',
    'applies a write only to the revision that was read',
    class extends MemoryBackend {
      override async update(key: Key, _: number, change: Change, now: number): Promise<boolean> {
        const record = await this.find(key)
        return record !== undefined && (await super.update(key, record.revision, change, now))
      }
    },
  ],
  [
    'loses the reads during a write',
    'applies all of 20 concurrent patches and reads from two stores on one server',
    class extends MemoryBackend {
      override async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
        const record = await this.find(key)
        if (record?.revision !== revision) return false
        await new Promise(setImmediate)
        if ((await this.remove(key))?.revision !== revision) return false
        await this.insert(afterWrite(record, change, now))
        return true
      }
    },
  ],
  [
    'sets the last activity to an earlier time',
    'keeps the last activity for processes whose clock is behind',
    class extends MemoryBackend {
      override async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
        const before = await super.touch(app, key, now)
        const record = await this.remove(key)
        if (record !== undefined) await this.insert({ ...record, lastActive: now })
        return before
      }
    },
  ],
  [
    'gives the removed record to all callers',
    'ends a session only once',
    class extends MemoryBackend {
      override async remove(key: Key): Promise<SessionRecord | undefined> {
        const record = await this.find(key)
        await super.remove(key)
        return record
      }
    },
  ],
  [
    'sweeps unexpired records',
    'keeps unexpired sessions in a sweep',
    class extends MemoryBackend {
      override sweep(now: number): Promise<void> {
        return super.sweep(now + 1)
      }
    },
  ],
  [
    'lists the first page only',
    'lists several pages in the order of last activity, with data and without ended sessions',
    class extends MemoryBackend {
      override async *byUser(app: string, user: string, now: number) {
        yield (await all(super.byUser(app, user, now))).slice(0, PAGE)
      }
    },
  ],
  [
    'ignores the limit of a list',
    'lists active sessions, most recent first, up to the limit',
    class extends MemoryBackend {
      override activeSince(app: string, since: number, now: number) {
        return super.activeSince(app, since, now, 1e6)
      }
    },
  ],
  [
    'counts anonymous users',
    'counts each active user once',
    class extends MemoryBackend {
      override async countUsers(app: string, since: number, now: number): Promise<number> {
        return new Set((await all(super.activeSince(app, since, now, 1e6))).map(({ user }) => user)).size
      }
    },
  ],
]
test.for(FAULTY)('the tests of a backend report one that %s', async ([, title, Backend]) => {
  expect(await failuresOf(new Backend(LIMITS))).toContain(title)
})
