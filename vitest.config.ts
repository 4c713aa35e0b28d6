import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that measure the memory, the event loop or the open handles of their process. */
const MEASURING = [
  'test/sessions/leaks.test.ts',
  'test/faults/hostile-server.test.ts',
  'test/faults/unread.test.ts',
  'test/faults/neighbours.test.ts',
  'test/faults/event-flood.test.ts',
  'test/http/json-list.test.ts',
  'test/demo/server.test.ts',
  'test/faults/large-reply.test.ts',
  'test/http/memoized-router.test.ts',
  'test/protocol/framer.test.ts',
]
/** Files that wait for other processes and for timeouts most of the time. */
const WAITING = [
  'test/store/couchbase.test.ts',
  'test/store/mongodb.test.ts',
  'test/cluster/node-faults.test.ts',
  'test/cluster/redis-faults.test.ts',
  'test/cluster/network-faults.test.ts',
  'test/cluster/partition-faults.test.ts',
  'test/workers.test.ts',
  'test/store/mysql.test.ts',
  'test/cluster/joining.test.ts',
  'test/cluster/stalled-streams.test.ts',
  'test/store/redis-connection.test.ts',
  'test/http/store-outage.test.ts',
  'test/store/postgres.test.ts',
  'test/faults/restart.test.ts',
  'test/store/redis-failover.test.ts',
  'test/store/memcached-connection.test.ts',
]
/** Other files that take seconds. They start first: one that starts last would run alone. */
const SLOW = [
  'test/http/generated.test.ts',
  'test/web/pictures.test.ts',
  'test/web/reader.test.ts',
  'test/web/places.test.ts',
  'test/web/compose.test.ts',
  'test/web/threads.test.ts',
  'test/web/online.test.ts',
  'test/web/outages.test.ts',
  'test/web/marks.test.ts',
  'test/web/together.test.ts',
  'test/web/views.test.ts',
  'test/web/explorer.test.ts',
  'test/web/explorer-view.test.ts',
  'test/web/console-trace.test.ts',
  'test/web/console-outages.test.ts',
  'test/web/console-figures.test.ts',
  'test/web/console-sessions.test.ts',
  'test/web/console.test.ts',
  'test/contract/last-time-read.test.ts',
  'test/demo/like-lyskomd.test.ts',
  'test/model/live.test.ts',
  'test/model/events.test.ts',
  'test/http/reference-page.test.ts',
  'test/docs/example-client.test.ts',
  'test/docs/examples.test.ts',
  'test/build.test.ts',
  'test/main.test.ts',
]
const FIRST = [...MEASURING, ...WAITING, ...SLOW].map((file) => join(import.meta.dirname, file))

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isFirst = ({ moduleId }: TestSpecification) => FIRST.includes(moduleId)
    const others = (await super.sort(files)).filter((file) => !isFirst(file))
    const first = files.filter(isFirst)
    return [...first.sort((a, b) => FIRST.indexOf(a.moduleId) - FIRST.indexOf(b.moduleId)), ...others]
  }
}

const isCI = Boolean(process.env.CI)

const common = {
  // Far more than on an idle machine: what hangs is found all the same.
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 15_000 } },
  // Many tests wait for timers and other processes, so that more workers than processors shorten the run. On CI the
  // bounds that tests measure matter more than the duration.
  maxWorkers: availableParallelism() + (isCI ? 0 : 2),
}

export default defineConfig({
  test: {
    ...common,
    globalSetup: 'test/support/real-servers.ts',
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        // On CI these files run one at a time and after all others, so that nothing disturbs what they measure.
        test: {
          ...common,
          name: 'measuring',
          include: MEASURING,
          ...(isCI && { fileParallelism: false, maxWorkers: 1, sequence: { groupOrder: 2 } }),
        },
      },
      {
        // On CI four at a time, apart from the files that use the processor, which would delay what they wait for.
        test: {
          ...common,
          name: 'waiting',
          include: WAITING,
          isolate: false,
          ...(isCI && { maxWorkers: 4, sequence: { groupOrder: 1 } }),
        },
      },
      {
        // A process for each file would use as much processor time as the tests themselves.
        // Modules of the web client import the client by its name in the package.
        resolve: { alias: { 'komgate/client': join(import.meta.dirname, 'src/client/index.ts') } },
        test: {
          ...common,
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...MEASURING, ...WAITING],
          isolate: false,
        },
      },
    ],
  },
})
