import { defineDataTests } from './data.ts'
import type { Expect, TestFramework } from './framework.ts'
import { defineLifetimeTests } from './lifetimes.ts'
import { defineListTests, defineTestWithoutLists } from './lists.ts'
import { type BackendHarness, type BackendTest, type BackendTraits, SEVERAL_PAGES, Stage } from './stage.ts'

/** Time to start or stop a server, milliseconds. */
const SERVER_MS = 60_000
/** Longest time for the calls of a test, milliseconds. */
const TEST_MS = 30_000

/**
 * Defines the tests that every backend must pass.
 * @param framework the functions of the test framework
 * @param kind name of the kind of store, for the titles
 * @param start starts the server
 */
export function describeBackend(
  framework: TestFramework,
  kind: string,
  start: () => Promise<BackendHarness>,
  { canList = true, many = SEVERAL_PAGES }: Partial<BackendTraits> = {},
): void {
  const { describe, beforeAll, afterAll, beforeEach, expect } = framework
  describe(`SessionStore on ${kind}`, () => {
    const stage = new Stage()
    beforeAll(async () => {
      stage.harness = await start()
      stage.backend = await stage.harness.open()
    }, SERVER_MS)
    afterAll(async () => {
      await stage.backend?.close()
      await stage.harness?.close()
    }, SERVER_MS)
    beforeEach(() => stage.begin())
    const test: BackendTest = (title, body, timeoutMs = TEST_MS) => framework.test(title, () => body(stage), timeoutMs)

    defineDataTests(test, expect, { canList, many })
    defineLifetimeTests(test, expect, { canList, many })
    if (canList) describe('lists', () => defineListTests(test, expect, { canList, many }))
    else defineTestWithoutLists(test, expect)
    defineOutageTest(test, expect)
  })
}

/** Defines the test of an outage of the server. */
function defineOutageTest(test: BackendTest, expect: Expect): void {
  test('is unavailable within seconds after its server stops, and available again after it starts', async ({
    app,
    backend,
    create,
    harness,
    store,
    untilItWorks,
  }) => {
    if (harness.outage === undefined) {
      expect(backend.interruptions).toBe(0)
      return
    }
    const { key } = await create()
    const before = backend.interruptions
    await harness.outage.begin()
    const started = performance.now()
    for (const attempt of [() => store.find(app, key), () => create(), () => store.touch(app, key)]) {
      await expect(attempt()).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' })
    }
    expect(performance.now() - started).toBeLessThan(20_000)
    await harness.outage.end()
    await untilItWorks(async () => store.find(app, (await create()).key))
    expect(backend.interruptions).toBeGreaterThan(before)
  }, 60_000)
}
