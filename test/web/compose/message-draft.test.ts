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

it.each([
  ['nothing has been written', {}, EMPTY],
  ['another text has been written', { text: 'Lunch?' }, { ...WRITTEN, text: 'Lunch?' }],
  ['another recipient has been chosen', { name: 'Carol' }, { ...EMPTY, name: 'Carol' }],
])('discards what has been sent of a message when %s meanwhile', async (_, change, expected) => {
  const { draft, discardSent } = await openPage()
  const sent = { ...WRITTEN }
  draft.value = sent
  if (Object.keys(change).length > 0) draft.value = { ...sent, ...change }
  discardSent(sent)
  expect(draft.value).toEqual(expected)
})

it.each(['kom.7', 'other.6'])('discards the draft of a message of the person kom.6 for %s', async (other) => {
  const { draft, keepDraftOf } = await openPage()
  keepDraftOf('kom.6')
  draft.value = WRITTEN
  keepDraftOf(other)
  expect(draft.value).toEqual(EMPTY)
})
