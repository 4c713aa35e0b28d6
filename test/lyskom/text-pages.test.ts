import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { readContent, readSubject } from '../../src/lyskom/content.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { getConferenceTexts, getCreatedTexts } from '../../src/lyskom/text-pages.ts'
import { getText } from '../../src/lyskom/texts.ts'
import { connectTo } from '../support/connection.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'
import { repetitions } from '../support/repetitions.ts'
import { array, errorReply, fields, h, reply, time } from '../support/wire.ts'

const then = time(new Date('2026-01-02T03:04:05Z'))
const CONF = 7
const PERSON = 8

/** A text with its content type, e.g. `text/plain;charset=utf-16`. */
interface Stored {
  bytes: Buffer
  contentType?: string
}

let server: FakeServer
let session: LyskomSession
/** The parameters of the calls of get-text. */
let fetched: string[]

/**
 * Starts a server.
 *
 * @param texts the texts by number; others may not be read
 * @param mapping the reply to local-to-global-reverse and map-created-texts-reverse: more, and the local numbers of texts
 */
async function serve(texts: Record<number, Stored>, more: boolean, mapping: Record<number, number>): Promise<void> {
  fetched = []
  server = await startFakeServer(({ ref, call, args }) => {
    const [no = 0, first = 0, last = 0] = String(args).split(' ').map(Number)
    const text = texts[no]
    if (call === 121 || call === 122) {
      const pairs = Object.entries(mapping).map(([local, global]) => fields(local, global))
      return reply(ref, 1, 100, more ? 1 : 0, 0, array(pairs))
    }
    if (call === 78) return reply(ref, h(`name ${no}`), '00000000', 10, 77)
    if (call !== 25 && call !== 90) return undefined
    if (text === undefined) return errorReply(ref, 14, no)
    if (call === 25) {
      fetched.push(String(args))
      return reply(ref, h(text.bytes.subarray(first, last + 1)))
    }
    const items = text.contentType === undefined ? [] : [contentTypeItem(text.contentType)]
    return reply(ref, then, 100, 1, text.bytes.length, 0, '0 *', array(items))
  })
  session = new LyskomSession(await connectTo(server.port), { name: 'x', version: '1' }, new BodyCache(100_000))
}

const contentTypeItem = (contentType: string) => fields(1, 1, 100, then, '00000000', 0, h(contentType))
const plain = (text: string): Stored => ({ bytes: Buffer.from(text, 'latin1') })
const newest = { before: 0, count: 10, subjects: true }

afterEach(async () => {
  await session?.close()
  await server?.close()
})

describe.each([
  ['getConferenceTexts', () => getConferenceTexts(session, CONF, newest), 121, CONF],
  ['getCreatedTexts', () => getCreatedTexts(session, PERSON, newest), 122, PERSON],
] as const)('%s', (_, get, call, no) => {
  it('returns the texts newest first, without those that may not be read', async () => {
    await serve({ 11: plain('one\nx'), 13: plain('three\nx') }, true, { 4: 11, 5: 12, 9: 13 })
    const { texts, nextBefore } = await get()
    expect(texts.map(({ head, subject }) => [head.textNo, subject])).toEqual([
      [13, 'three'],
      [11, 'one'],
    ])
    expect(nextBefore).toBe(4)
    expect(server.connections[0]?.received.find((request) => request.call === call)?.args.toString()).toBe(`${no} 0 10`)
  })

  it('has no next page without older texts', async () => {
    await serve({ 11: plain('one\nx') }, false, { 4: 11 })
    expect((await get()).nextBefore).toBeNull()
  })

  it('returns an empty page without texts', async () => {
    await serve({}, true, {})
    expect(await get()).toEqual({ texts: [], nextBefore: null })
  })

  it('has a next page even if no text of the page may be read', async () => {
    await serve({}, true, { 4: 11, 5: 12 })
    expect(await get()).toEqual({ texts: [], nextBefore: 4 })
  })

  it('returns the newest texts of a server that sends more than were requested', async () => {
    const numbers = Array.from({ length: 300 }, (_, i) => i + 1)
    await serve(
      Object.fromEntries(numbers.map((no) => [no, plain('s\nb')])),
      false,
      Object.fromEntries(numbers.map((no) => [no, no])),
    )
    const { texts, nextBefore } = await get()
    expect(texts.map(({ head }) => head.textNo)).toEqual(numbers.slice(-10).reverse())
    expect(nextBefore).toBe(291)
  })
})

describe('getConferenceTexts', () => {
  const subjects = async () => (await getConferenceTexts(session, CONF, newest)).texts.map(({ subject }) => subject)

  it('requests neither subjects nor bodies unless subjects are wanted', async () => {
    await serve({ 11: plain('one\nx') }, true, { 4: 11 })
    const { texts } = await getConferenceTexts(session, CONF, { ...newest, subjects: false })
    expect([texts.length, texts[0]?.subject, fetched]).toEqual([1, null, []])
  })

  it('reads the start of a long text only', async () => {
    await serve({ 11: plain(`subject\n${'x'.repeat(5000)}`) }, false, { 1: 11 })
    expect(await subjects()).toEqual(['subject'])
    expect(fetched).toEqual(['11 0 511'])
  })

  it.each([
    ['a subject of 600 bytes', plain(`${'x'.repeat(600)}\nbody`), 'x'.repeat(600)],
    ['a long text without a line feed', plain('x'.repeat(600)), ''],
    [
      'UTF-16',
      { bytes: Buffer.from(`ämne\n${'x'.repeat(600)}`, 'utf16le'), contentType: 'text/plain;charset=utf-16-le' },
      'ämne',
    ],
  ])('reads all of a text with %s', async (_, stored, subject) => {
    await serve({ 11: stored }, false, { 1: 11 })
    expect(await subjects()).toEqual([subject])
    expect(fetched).toEqual(['11 0 511', '11 0 2147483647'])
  })

  it.each([
    ['of exactly 512 bytes', plain(`s\n${'x'.repeat(510)}`), 's'],
    ['with a subject of 511 bytes', plain(`${'x'.repeat(511)}\nbody`), 'x'.repeat(511)],
    ['that is empty', plain(''), ''],
    ['without a line feed', plain('all body'), ''],
    ['in UTF-8', { bytes: Buffer.from('ämne\nx'), contentType: 'text/plain;charset=utf-8' }, 'ämne'],
    ['that is a user area', { ...plain(`a\n${'x'.repeat(600)}`), contentType: 'x-kom/user-area' }, null],
    ['that is an image', { ...plain(`pic\n${'\n'.repeat(600)}`), contentType: 'image/png' }, 'pic'],
  ])('reads the subject of a text %s in one call', async (_, stored, subject) => {
    await serve({ 11: stored }, false, { 1: 11 })
    expect(await subjects()).toEqual([subject])
    expect(fetched).toEqual(['11 0 511'])
  })

  it('takes the subject of a text that was read before from the cache, and caches short texts', async () => {
    await serve({ 11: plain(`long\n${'x'.repeat(5000)}`), 12: plain('short\nx') }, false, { 1: 11, 2: 12 })
    await getText(session, 11)
    expect(await subjects()).toEqual(['short', 'long'])
    await getText(session, 12)
    expect(await subjects()).toEqual(['short', 'long'])
    expect(fetched).toEqual(['11 0 2147483647', '12 0 511'])
  })
})

describe('readSubject', () => {
  const CHARSETS = ['utf-8', 'iso-8859-1', 'utf-16', 'utf-16-be', 'utf-32-le', 'big5', 'shift_jis', 'no-such', 'utf-7']
  const bytes = fc.array(fc.constantFrom(0, 0x0a, 0x0d, 0x41, 0xa4, 0xe5, 0xfe, 0xff), { maxLength: 40 })

  it('returns the subject of the whole text, or undefined', () => {
    let read = 0
    fc.assert(
      fc.property(
        bytes,
        fc.nat(40),
        fc.option(fc.constantFrom(...CHARSETS), { nil: undefined }),
        fc.constantFrom('text/plain', 'image/png', 'x-kom/user-area'),
        (values, length, charset, type) => {
          const whole = Uint8Array.from(values)
          const subject = readSubject(whole.subarray(0, length), { type, charset })
          if (subject === undefined) return
          read++
          expect(subject).toBe(readContent(whole, { type, charset }).subject)
        },
      ),
      { numRuns: repetitions(2000) },
    )
    expect(read).toBeGreaterThan(10)
  })
})
