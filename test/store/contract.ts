import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type BackendHarness,
  type BackendTraits,
  describeBackend,
  SEVERAL_PAGES,
} from '../../src/store/testing/index.ts'
import { repetitions } from '../support/repetitions.ts'

const many = repetitions(1200, SEVERAL_PAGES)

/** Defines the tests that every kind of store must pass, with a longer list on CI. */
export function describeStore(
  kind: string,
  start: () => Promise<BackendHarness>,
  traits: Partial<BackendTraits> = {},
): void {
  const framework = { describe, test, beforeAll, afterAll, beforeEach, expect }
  describeBackend(framework, kind, start, { many, ...traits })
}
