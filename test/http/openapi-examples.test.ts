import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { examplesSource } from '../../scripts/openapi/examples.ts'

/** Starts about 70 gateways, one after the other. */
const TIMEOUT_MS = 120_000

it(
  'the examples of the description are what `npm run openapi` generates from the responses of the demo server',
  async () => {
    const source = readFileSync(new URL('../../src/http/description/examples.ts', import.meta.url), 'utf8')
    expect(await examplesSource()).toBe(source)
  },
  TIMEOUT_MS,
)
