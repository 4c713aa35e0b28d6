/** The tests that a session store must pass: `import { describeBackend } from 'komgate/store-testing'`. */
export { describeBackend } from './contract.ts'
export type { Expect, Matchers, TestFramework } from './framework.ts'
export { type BackendHarness, type BackendTraits, SEVERAL_PAGES } from './stage.ts'
