import { type Kom, LyskomError, UnavailableError } from 'komgate/client'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ReadMarks } from '../../../src/web/reader/reading/read-marks.ts'

const CONFIRMATION_MS = 10_000

let made: string[]
let isAway: boolean
let isCurrent: boolean
let marks: ReadMarks
beforeEach(() => {
  vi.useFakeTimers()
  made = []
  isAway = false
  isCurrent = true
  const call = (name: string) => async (no: number) => {
    made.push(`${name} ${no}`)
    if (isAway) throw new UnavailableError('away', { httpStatus: 0 })
    if (no === 404) throw new LyskomError('NoSuchText', 14, no, { httpStatus: 400 })
  }
  const texts = { markRead: call('read'), markUnread: call('unread') }
  marks = new ReadMarks({
    kom: { texts } as unknown as Kom,
    owner: 'kom.6',
    reports: () => [],
    isCurrent: () => isCurrent,
  })
})
afterEach(() => vi.useRealTimers())

const read = () => [...marks.read.value]
const unread = (...unread_texts: number[]) => [{ conf_no: 4, unread_texts }] as never

it('are sent together after a second, and texts are read at once', async () => {
  marks.markRead(1)
  marks.markRead(2)
  expect(read()).toEqual([1, 2])
  expect(made).toEqual([])
  await vi.advanceTimersByTimeAsync(1000)
  expect(made).toEqual(['read 1', 'read 2'])
})

it('last until the server reports them', async () => {
  marks.markRead(1)
  await marks.flush()
  marks.onUnread(unread(1))
  expect(read()).toEqual([1])
  marks.onUnread(unread())
  expect(read()).toEqual([])
})

it('end after a time although the server has the text as unread', async () => {
  marks.markRead(1)
  await marks.flush()
  await vi.advanceTimersByTimeAsync(CONFIRMATION_MS)
  expect(read()).toEqual([])
})

it('last while no events arrive', async () => {
  isCurrent = false
  marks.markRead(1)
  await marks.flush()
  await vi.advanceTimersByTimeAsync(10 * CONFIRMATION_MS)
  expect(read()).toEqual([1])
  isCurrent = true
  await vi.advanceTimersByTimeAsync(CONFIRMATION_MS)
  expect(read()).toEqual([])
  await marks.close(false)
  expect(vi.getTimerCount()).toBe(0)
})

it('are made again when the gateway was away, and not for a deleted text', async () => {
  isAway = true
  marks.markRead(1)
  await marks.flush()
  isAway = false
  marks.markRead(404)
  await vi.advanceTimersByTimeAsync(5000)
  expect(made).toEqual(['read 1', 'read 1', 'read 404'])
  await vi.advanceTimersByTimeAsync(5000)
  expect(made).toHaveLength(3)
})

it('are undone without a request before they are sent', async () => {
  marks.markRead(1)
  await marks.markUnread(1)
  await vi.advanceTimersByTimeAsync(1000)
  expect(made).toEqual([])
})

it('are undone by a request after one whose answer did not arrive', async () => {
  isAway = true
  marks.markRead(1)
  await marks.flush()
  isAway = false
  await marks.markUnread(1)
  await vi.advanceTimersByTimeAsync(CONFIRMATION_MS)
  expect(made).toEqual(['read 1', 'unread 1'])
  marks.markRead(1)
  await marks.markUnread(1)
  expect(made).toHaveLength(2)
})
