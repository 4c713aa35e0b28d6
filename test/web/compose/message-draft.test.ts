import { afterEach, beforeEach, expect, it, vi } from 'vitest'

const WRITTEN = { name: 'Bob', isEveryone: false, text: 'See you at' }
const EMPTY = { name: '', isEveryone: false, text: '' }

/** Returns the draft of a page that has just been opened. */
async function openPage() {
  return await import('../../../src/web/reader/messages/draft.ts')
}

beforeEach(() => {
  vi.resetModules()
  vi.stubGlobal('location', { hash: '' })
  vi.stubGlobal('history', { state: null })
  vi.stubGlobal('addEventListener', () => undefined)
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

it('keeps the draft of a message for another session of the person', async () => {
  const { draft, keepDraftOf } = await openPage()
  keepDraftOf('kom.6')
  draft.value = WRITTEN
  keepDraftOf('kom.6')
  expect(draft.value).toEqual(WRITTEN)
})

it.each(['kom.7', 'other.6'])('discards the draft of a message of the person kom.6 for %s', async (other) => {
  const { draft, keepDraftOf } = await openPage()
  keepDraftOf('kom.6')
  draft.value = WRITTEN
  keepDraftOf(other)
  expect(draft.value).toEqual(EMPTY)
})
