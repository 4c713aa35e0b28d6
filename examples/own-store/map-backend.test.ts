import { describeBackend } from 'komgate/store-testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MapBackend } from './map-backend.ts'

const framework = { describe, test, beforeAll, afterAll, beforeEach, expect }
describeBackend(framework, 'a map', async () => {
  // A backend of a server starts the server here, and returns a new connection each time in `open`.
  const backend = new MapBackend()
  return {
    open: async () => backend,
    dump: async () => JSON.stringify([...backend.records.values()]),
    close: async () => undefined,
  }
})
