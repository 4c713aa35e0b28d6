import fc from 'fast-check'
import { connect, type Kom } from 'komgate/client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Draft, type DraftImage, Drafts, type Recipient } from '../../../src/web/reader/compose/drafts.ts'
import { keepImage } from '../../../src/web/reader/compose/image-store.ts'
import { ImageError, type Outcome, sendDraft, UncertainError } from '../../../src/web/reader/compose/send.ts'
import type { Target } from '../../../src/web/reader/compose/target.ts'
import { repetitions } from '../../support/repetitions.ts'
import { type DemoGateway, startDemoGateway } from './demo-gateway.ts'
import { stubStorage } from './fake-storage.ts'

const [READER, TESTING] = [6, 9]
const RECIPIENTS: Recipient[] = [{ type: 'to', conf_no: TESTING, name: 'Testing (is) allowed' }]
const NEW: Target = { kind: 'new', no: TESTING }
/** What happens to a request that writes: its answer arrives, it does not reach the gateway, or its answer is lost. */
type Fate = 'answered' | 'not-sent' | 'lost'

let gateway: DemoGateway
let kom: Kom
/** The fates of the next requests that write; later ones are answered. */
let fates: Fate[]
let writes = 0

const unreliable: typeof fetch = async (url, init) => {
  const isWriting = String(init?.body).includes('content_type')
  const fate = isWriting ? (fates.shift() ?? 'answered') : 'answered'
  if (isWriting) writes++
  if (fate === 'not-sent') throw new TypeError('the network is away')
  const response = await fetch(url, init)
  if (fate === 'answered') return response
  await response.text()
  throw new TypeError('the network is away')
}

beforeAll(async () => {
  gateway = await startDemoGateway()
  kom = await connect({ url: gateway.url, server: 'demo', client: { name: 'test', version: '1' }, fetch: unreliable })
  await kom.login({ pers_no: READER, passwd: 'demo' })
})
beforeEach(() => {
  fates = []
  writes = 0
  stubStorage()
})
afterEach(() => vi.unstubAllGlobals())
afterAll(() => gateway.close())

let lastSubject = 0
function newDraft(images = 0): Draft {
  const subject = `Subject ${++lastSubject}`
  return { subject, body: `Räksmörgås ☕ ${lastSubject}`, images: Array.from({ length: images }, newImage) }
}
function newImage(_: unknown, i: number): DraftImage {
  const id = `${lastSubject}.${i}`
  // Images that look the same are two images.
  keepImage(id, 'R0lGODlhAQABAAAAACw=')
  return { id, name: `Dot of ${lastSubject}`, type: 'image/gif', size: 14 }
}

/** Sends a draft in a window of its own, which has what the browser has stored. */
function sendIn(target: Target): Promise<Outcome> {
  return sendDraft({ kom, drafts: new Drafts('demo', READER), target, recipients: RECIPIENTS, persNo: READER })
}

/** Keeps a draft, as the form does before it sends. */
function keep(target: Target, draft: Draft): void {
  new Drafts('demo', READER).set(target, draft)
}

/** Returns the own texts with a subject that contains a word, oldest first. */
async function written(word: string): Promise<number[]> {
  const { texts } = await kom.persons.texts(READER, { no_of_texts: 50 })
  return texts.flatMap(({ text_no, subject }) => (subject?.endsWith(word) ? [text_no] : [])).reverse()
}

describe('sendDraft', () => {
  it('writes a text and removes the draft', async () => {
    const draft = newDraft()
    keep(NEW, draft)
    const outcome = await sendIn(NEW)
    expect(outcome).toEqual({ was: 'sent', textNo: expect.any(Number) })
    const [textNo = 0] = await written(draft.subject)
    const text = await kom.texts.get(textNo)
    expect(text).toMatchObject({ subject: draft.subject, body: draft.body, comment_to_list: [] })
    expect(text.recipient_list.map(({ recpt }) => recpt.conf_no)).toEqual([TESTING])
    expect(new Drafts('demo', READER).all.value.size).toBe(0)
    expect(await sendIn(NEW)).toEqual({ was: 'gone' })
  })

  it('writes images as footnotes with the same recipients, in their order', async () => {
    const draft = newDraft(2)
    keep(NEW, draft)
    await sendIn(NEW)
    const [textNo = 0] = await written(draft.subject)
    const { comment_in_list } = await kom.texts.get(textNo)
    expect(comment_in_list.map(({ type }) => type)).toEqual(['footnote', 'footnote'])
    for (const { text_no } of comment_in_list) {
      const image = await kom.texts.get(text_no)
      expect(image).toMatchObject({ subject: draft.images[0]?.name, content_type: 'image/gif' })
      expect(image.recipient_list.map(({ recpt }) => recpt.conf_no)).toEqual([TESTING])
      expect((await kom.texts.body(text_no)).size).toBe(14)
    }
  })

  it.each(['comment', 'answer', 'footnote'] as const)('links a %s to its text', async (kind) => {
    keep(NEW, newDraft())
    const first = (await sendIn(NEW)) as { textNo: number }
    const target = { kind, no: first.textNo }
    keep(target, newDraft())
    const { textNo } = (await sendIn(target)) as { textNo: number }
    expect((await kom.texts.get(textNo)).comment_to_list).toMatchObject([
      { type: kind === 'footnote' ? 'footnote' : 'comment', text_no: first.textNo },
    ])
  })

  it('keeps a draft whose answer is lost, and does not write it again', async () => {
    const draft = newDraft()
    keep(NEW, draft)
    fates = ['lost']
    await expect(sendIn(NEW)).rejects.toBeInstanceOf(UncertainError)
    expect(new Drafts('demo', READER).get(NEW)).toMatchObject({ body: draft.body, attempt: { body: draft.body } })
    const outcome = await sendIn(NEW)
    expect([outcome.was, writes]).toEqual(['sent', 1])
    expect(await written(draft.subject)).toHaveLength(1)
  })

  it('says that a draft was sent before it was changed', async () => {
    const draft = newDraft()
    keep(NEW, draft)
    fates = ['lost']
    await expect(sendIn(NEW)).rejects.toBeInstanceOf(UncertainError)
    const stored = new Drafts('demo', READER).get(NEW) as Draft
    keep(NEW, { ...stored, body: 'Changed' })
    expect((await sendIn(NEW)).was).toBe('sent-before')
    expect(new Drafts('demo', READER).get(NEW)).toMatchObject({ body: 'Changed' })
    expect((await sendIn(NEW)).was).toBe('sent')
    expect(await written(draft.subject)).toHaveLength(2)
  })

  it('takes an older text with the same words for another one', async () => {
    const draft = newDraft()
    keep(NEW, draft)
    await sendIn(NEW)
    keep(NEW, draft)
    fates = ['not-sent']
    await expect(sendIn(NEW)).rejects.toBeInstanceOf(UncertainError)
    await sendIn(NEW)
    expect(await written(draft.subject)).toHaveLength(2)
  })

  it('keeps a draft that the LysKOM server refuses, without an attempt', async () => {
    const target: Target = { kind: 'comment', no: 999_999 }
    const draft = newDraft()
    keep(target, draft)
    await expect(sendIn(target)).rejects.toMatchObject({ name: 'NoSuchText' })
    const kept = new Drafts('demo', READER).get(target)
    expect(kept).toMatchObject({ ...draft })
    expect(kept).not.toHaveProperty('attempt')
  })

  it('names the text that was written, and the image that was not', async () => {
    const draft = newDraft(2)
    const second = draft.images[1]?.id as string
    keep(NEW, draft)
    fates = ['answered', 'answered', 'not-sent']
    const error = await sendIn(NEW).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ImageError)
    const [textNo] = await written(draft.subject)
    expect(error).toMatchObject({ textNo, imageId: second })
    const stored = new Drafts('demo', READER).get(NEW)
    expect(stored).toMatchObject({ textNo, images: [{ textNo: expect.any(Number) }, { id: second }] })
    expect(stored?.images[1]).not.toHaveProperty('textNo')
  })

  it('writes each text and image once, whatever is lost and from whichever window', { timeout: 60_000 }, async () => {
    const fate = fc.constantFrom<Fate>('answered', 'not-sent', 'lost')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fate, { maxLength: 8 }),
        fc.nat(2),
        fc.integer({ min: 1, max: 3 }),
        async (all, images, windows) => {
          const draft = newDraft(images)
          keep(NEW, draft)
          fates = [...all]
          while (new Drafts('demo', READER).get(NEW) !== undefined) {
            await Promise.allSettled(Array.from({ length: windows }, () => sendIn(NEW)))
          }
          fates = []
          expect(await written(draft.subject)).toHaveLength(1)
          expect(await written(`Dot of ${lastSubject}`)).toHaveLength(images)
        },
      ),
      { numRuns: repetitions(60, 12) },
    )
  })
})
