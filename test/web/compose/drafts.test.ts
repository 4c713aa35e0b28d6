import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Draft, Drafts } from '../../../src/web/reader/compose/drafts.ts'
import { imageData, keepImage } from '../../../src/web/reader/compose/image-store.ts'
import { stubStorage } from './fake-storage.ts'

const DRAFT: Draft = { subject: 'Hello', body: 'Half a sent', images: [] }
const COMMENT = { kind: 'comment', no: 47 } as const

let held: Record<string, string>
let isFull = false
beforeEach(() => {
  isFull = false
  held = stubStorage({ isFull: () => isFull })
})
afterEach(() => vi.unstubAllGlobals())

it('keeps a draft for each text and kind', () => {
  const drafts = new Drafts('demo', 6)
  drafts.set(COMMENT, DRAFT)
  drafts.set({ kind: 'answer', no: 47 }, { ...DRAFT, body: 'In private' })
  drafts.set({ kind: 'new', no: 0 }, { ...DRAFT, body: 'Anew' })
  const again = new Drafts('demo', 6)
  expect([...again.all.value.keys()]).toEqual(['comment.47', 'answer.47', 'new.0'])
  expect(again.get(COMMENT)).toEqual({ ...DRAFT, id: drafts.get(COMMENT)?.id })
  const ids = [...again.all.value.values()].map(({ id }) => id)
  expect(new Set(ids).size).toBe(3)
})

it('keeps the drafts of servers and persons apart', () => {
  new Drafts('demo', 6).set(COMMENT, DRAFT)
  for (const other of [new Drafts('demo', 7), new Drafts('dem', 6), new Drafts('demo.6', 6)]) {
    expect(other.all.value.size).toBe(0)
  }
  new Drafts('demo.6', 5).set(COMMENT, DRAFT)
  expect(new Drafts('demo', 6).all.value.size).toBe(1)
})

it('ignores what is stored and is no draft', () => {
  held['komgate.draft.demo.6.comment.47'] = '{"subject":'
  held['komgate.draft.demo.6.comment.48'] = '"text"'
  held['komgate.draft.demo.6.letter.48'] = JSON.stringify(DRAFT)
  expect(new Drafts('demo', 6).all.value.size).toBe(0)
})

it('keeps a draft in the page when the browser does not, and reports that', () => {
  const drafts = new Drafts('demo', 6)
  isFull = true
  drafts.set(COMMENT, DRAFT)
  expect(drafts.isStored.value).toBe(false)
  const kept = { ...DRAFT, id: expect.any(String) }
  expect(drafts.get(COMMENT)).toEqual(kept)
  expect(drafts.reload(COMMENT)).toEqual(kept)
})

it('removes a draft with its images, and moves one without them', () => {
  const drafts = new Drafts('demo', 6)
  const image = { id: 'i', name: 'Cat', type: 'image/png', size: 3 }
  keepImage('i', 'AAAA')
  drafts.set(COMMENT, { ...DRAFT, images: [image] })
  drafts.move(COMMENT, { kind: 'new', no: 0 }, { ...DRAFT, images: [image] })
  expect(imageData('i')).toBe('AAAA')
  expect([...new Drafts('demo', 6).all.value.keys()]).toEqual(['new.0'])
  drafts.remove({ kind: 'new', no: 0 })
  expect(imageData('i')).toBeUndefined()
  expect(Object.keys(held)).toEqual([])
})

it('follows the other windows of the browser, and reports what they remove', () => {
  let listener: ((event: { key: string | null }) => void) | undefined
  vi.stubGlobal('addEventListener', (_: string, each: typeof listener) => {
    listener = each
  })
  const drafts = new Drafts('demo', 6)
  const key = 'komgate.draft.demo.6.comment.47'
  held[key] = JSON.stringify({ ...DRAFT, body: 'Typed elsewhere' })
  listener?.({ key })
  expect(drafts.get(COMMENT)?.body).toBe('Typed elsewhere')
  delete held[key]
  listener?.({ key })
  expect(drafts.get(COMMENT)).toBeUndefined()
  expect(drafts.removedElsewhere.value).toBe('comment.47')
  drafts.set(COMMENT, DRAFT)
  expect(drafts.removedElsewhere.value).toBeUndefined()
})
