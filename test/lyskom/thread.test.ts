import { afterEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { getThread, type Thread } from '../../src/lyskom/thread.ts'
import { connectTo } from '../support/connection.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'
import { array, errorReply, fields, h, reply, time } from '../support/wire.ts'

const then = time(new Date('2026-01-02T03:04:05Z'))
const AUTHOR = 100

/** The links of a text: `to` are the texts that it comments, `in` are its comments. */
interface Links {
  to?: number[]
  in?: number[]
}

let server: FakeServer
let session: LyskomSession
/** Calls of get-text-stat, by text number. */
let requested: number[]

/** Starts a server with the texts. Texts that are not listed may not be read. */
async function serve(texts: Record<number, Links>): Promise<void> {
  requested = []
  server = await startFakeServer(({ ref, call, args }) => {
    const no = Number.parseInt(String(args), 10)
    const links = texts[no]
    if (call === 78) return reply(ref, h(`name ${no}`), '00000000', 10, 77)
    if (call === 90) requested.push(no)
    if (call !== 25 && call !== 90) return undefined
    if (links === undefined) return errorReply(ref, 14, no)
    if (call === 25) return reply(ref, h(`subject ${no}\nbody`))
    const misc = [
      ...(links.to ?? []).map((to) => fields(2, to)),
      ...(links.in ?? []).map((comment) => fields(3, comment)),
    ]
    return reply(ref, then, AUTHOR + no, 1, 10, 0, array(misc), '0 *')
  })
  session = new LyskomSession(await connectTo(server.port), { name: 'x', version: '1' }, new BodyCache(1000))
}

afterEach(async () => {
  await session.close()
  await server.close()
})

const order = ({ texts }: Thread) => texts.map(({ head }) => head.textNo)

/** Links both ends of each comment: `[comment, commented text]`. */
function linked(...comments: [no: number, to: number][]): Record<number, Links> {
  const texts: Record<number, Required<Links>> = {}
  const at = (no: number) => {
    texts[no] ??= { to: [], in: [] }
    return texts[no]
  }
  for (const [no, to] of comments) {
    at(no).to.push(to)
    at(to).in.push(no)
  }
  return texts
}

describe('getThread', () => {
  it('returns the texts depth first, with their subjects, and the authors of all links', async () => {
    await serve(linked([2, 1], [3, 1], [4, 2], [5, 3], [6, 2]))
    const thread = await getThread(session, 1, { up: false, limit: 100 })
    expect(order(thread)).toEqual([1, 2, 4, 6, 3, 5])
    expect([thread.root, thread.truncated]).toEqual([1, false])
    expect(thread.texts.map(({ subject }) => subject)).toEqual([1, 2, 4, 6, 3, 5].map((no) => `subject ${no}`))
    const person = (no: number) => ({ persNo: AUTHOR + no, name: `name ${AUTHOR + no}` })
    expect(thread.texts[1]?.head).toMatchObject({
      author: person(2),
      commentTo: [{ type: 'comment', textNo: 1, author: person(1) }],
      commentIn: [
        { type: 'comment', textNo: 4, author: person(4) },
        { type: 'comment', textNo: 6, author: person(6) },
      ],
    })
  })

  it('requests the status of each text once', async () => {
    await serve(linked([2, 1], [3, 1], [4, 2], [4, 3]))
    await getThread(session, 1, { up: true, limit: 100 })
    expect(requested).toEqual([1, 2, 3, 4])
  })

  it('begins at the text without `up`, and at the top of the thread with it', async () => {
    await serve(linked([2, 1], [3, 1], [4, 2], [5, 4]))
    const below = await getThread(session, 4, { up: false, limit: 100 })
    expect([below.root, order(below)]).toEqual([4, [4, 5]])
    expect(below.texts[0]?.head.commentTo[0]?.author?.persNo).toBe(AUTHOR + 2)
    const all = await getThread(session, 4, { up: true, limit: 100 })
    expect([all.root, order(all), all.truncated]).toEqual([1, [1, 2, 4, 5, 3], false])
  })

  it('goes up to the first commented text that may be read', async () => {
    // 7 is not readable; 1 and 2 are.
    await serve({ 1: { in: [5] }, 2: { in: [5, 6] }, 5: { to: [7, 2, 1] }, 6: { to: [2] } })
    const thread = await getThread(session, 5, { up: true, limit: 100 })
    expect([thread.root, order(thread)]).toEqual([2, [2, 5, 6]])
    expect(thread.texts[1]?.head.commentTo.map(({ author }) => author?.persNo)).toEqual([
      undefined,
      AUTHOR + 2,
      AUTHOR + 1,
    ])
  })

  it('lists a comment on several texts once, at its first place', async () => {
    await serve(linked([2, 1], [3, 1], [4, 3], [4, 2], [5, 4]))
    for (const up of [true, false]) {
      const thread = await getThread(session, 1, { up, limit: 100 })
      expect(order(thread)).toEqual([1, 2, 4, 5, 3])
    }
    const fromBelow = await getThread(session, 5, { up: true, limit: 100 })
    expect([fromBelow.root, order(fromBelow)]).toEqual([1, [1, 2, 4, 5, 3]])
  })

  it('includes a second commented text that is in the thread itself', async () => {
    // 3 comments on 1 and on 2; 2 comments on 1.
    await serve(linked([3, 1], [3, 2], [2, 1], [4, 2]))
    const thread = await getThread(session, 3, { up: true, limit: 100 })
    expect([thread.root, order(thread)]).toEqual([1, [1, 3, 2, 4]])
  })

  it('leaves out texts that may not be read and what only they lead to', async () => {
    await serve({ 1: { in: [2, 3] }, 3: { to: [1], in: [4] }, 5: { to: [2] } })
    const thread = await getThread(session, 1, { up: true, limit: 100 })
    expect([order(thread), thread.truncated]).toEqual([[1, 3], false])
    expect(thread.texts[0]?.head.commentIn.map(({ author }) => author?.persNo)).toEqual([undefined, AUTHOR + 3])
  })

  it('ends in a circle of comments', async () => {
    await serve(linked([2, 1], [3, 2], [1, 3]))
    const thread = await getThread(session, 1, { up: true, limit: 100 })
    expect(order(thread)).toEqual([3, 1, 2])
    const alone = await getThread(session, 2, { up: false, limit: 100 })
    expect(order(alone)).toEqual([2, 3, 1])
  })

  it('includes the text where the commented text does not list it', async () => {
    await serve({ 1: { in: [3] }, 2: { to: [1] }, 3: { to: [1] } })
    const thread = await getThread(session, 2, { up: true, limit: 100 })
    expect([thread.root, order(thread)]).toEqual([1, [1, 3, 2]])
  })

  it.each([
    [1, [4], 4],
    [2, [2, 4], 2],
    [3, [2, 4, 5], 2],
    [4, [1, 2, 4, 5], 1],
    [5, [1, 2, 4, 5, 6], 1],
    [6, [1, 2, 4, 5, 6, 3], 1],
  ])('returns the texts nearest to the text within a limit of %i', async (limit, texts, root) => {
    await serve(linked([2, 1], [3, 1], [4, 2], [5, 4], [6, 2]))
    const thread = await getThread(session, 4, { up: true, limit })
    expect([order(thread), thread.root, thread.truncated]).toEqual([texts, root, limit < 6])
    expect(requested.length).toBeLessThanOrEqual(limit + 6)
  })

  it('counts texts that may not be read in the limit', async () => {
    await serve({ 1: { in: Array.from({ length: 100 }, (_, i) => i + 2) } })
    const thread = await getThread(session, 1, { up: false, limit: 50 })
    expect([order(thread), thread.truncated]).toEqual([[1], true])
  })

  it('returns a thread of 1,000 levels', async () => {
    await serve(linked(...Array.from({ length: 999 }, (_, i): [number, number] => [i + 2, i + 1])))
    const thread = await getThread(session, 500, { up: true, limit: 1000 })
    expect([order(thread).length, thread.root, thread.truncated]).toEqual([1000, 1, false])
  })

  it('rejects with no-such-text for a text that may not be read', async () => {
    await serve({})
    await expect(getThread(session, 1, { up: true, limit: 10 })).rejects.toMatchObject({ errorName: 'no-such-text' })
  })
})
