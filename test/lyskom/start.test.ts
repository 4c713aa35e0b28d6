import { afterEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { getStart, START_PARTS } from '../../src/lyskom/start.ts'
import { connectTo } from '../support/connection.ts'
import { type FakeRequest, startFakeServer } from '../support/fake-server.ts'
import { gatewaySession } from '../support/gateway-session.ts'
import { array, errorReply, fields, h, omitted, reply, time } from '../support/wire.ts'

const ME = 6
const [GET_MARKS, GET_TEXT, GET_UNREAD_CONFS, LOGIN, UCONF, ACCEPT_ASYNC] = [23, 25, 52, 62, 78, 80]
const [GET_TEXT_STAT, GET_INFO, LOCAL_TO_GLOBAL, GET_MEMBERSHIP] = [90, 94, 103, 108]
const UNDEFINED_CONFERENCE = 9
const ACCESS_DENIED = 11
const NO_SUCH_TEXT = 14
const NO_SUCH_LOCAL_TEXT = 16
const then = time(new Date('2026-01-02T03:04:05Z'))

/** A conference with the texts 1 to `texts`, whose numbers on the server are `100 * confNo` and one more each. */
interface Conf {
  no: number
  texts: number
  read?: [first: number, last: number][]
  priority?: number
  /** whether it is deleted after its number has been listed */
  isDeleted?: boolean
  /** whether the person loses access to its texts meanwhile */
  isClosed?: boolean
  /** whether it is hidden from the person after its texts have been listed */
  isHidden?: boolean
}

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/**
 * Opens a session of a member of the conferences.
 *
 * @param gone the numbers of texts that are deleted after their numbers have been listed
 * @returns a function that starts, and one that returns the calls since then
 */
async function session(confs: readonly Conf[], { gone = [] as number[], body = 'subject\nbody' } = {}) {
  const answer = ({ ref, call, args }: FakeRequest): Buffer | undefined => {
    const [first, second, third] = String(args).split(' ').map(Number) as [number, number, number]
    const conf = confs.find(({ no }) => no === first)
    switch (call) {
      case LOGIN:
      case ACCEPT_ASYNC:
        return reply(ref)
      case GET_MARKS:
        return reply(ref, omitted(0))
      case GET_INFO:
        return reply(ref, 20102, 0, 0, 0, 0, 0, '0 *')
      case GET_UNREAD_CONFS:
        return reply(ref, array(confs.map(({ no }) => no)))
      case GET_MEMBERSHIP: {
        const memberships = confs.map(({ no, read = [], priority = 100 }, i) => {
          const ranges = array(read.map((range) => fields(...range)))
          return fields(i, then, no, priority, ranges, ME, then, '00000000')
        })
        return reply(ref, array(memberships))
      }
      case UCONF:
        if (conf?.isDeleted || conf?.isHidden) return errorReply(ref, UNDEFINED_CONFERENCE, first)
        return reply(ref, h(`conference ${first}`), '00000000', conf?.texts ?? 0, 77)
      case LOCAL_TO_GLOBAL: {
        if (conf === undefined || conf.isDeleted) return errorReply(ref, UNDEFINED_CONFERENCE, first)
        if (conf.isClosed) return errorReply(ref, ACCESS_DENIED, first)
        const count = Math.min(third, conf.texts - second + 1)
        if (count <= 0) return errorReply(ref, NO_SUCH_LOCAL_TEXT, second)
        const numbers = Array.from({ length: count }, (_, i) => 100 * first + second + i - 1)
        return reply(ref, second, second + count, second + count <= conf.texts ? 1 : 0, 1, second, array(numbers))
      }
      case GET_TEXT_STAT:
        if (gone.includes(first)) return errorReply(ref, NO_SUCH_TEXT, first)
        return reply(ref, then, ME, 1, 10, 0, array([fields(0, Math.floor(first / 100)), fields(6, 1)]), '0 *')
      case GET_TEXT:
        return gone.includes(first) ? errorReply(ref, NO_SUCH_TEXT, first) : reply(ref, h(body))
      default:
        return undefined
    }
  }
  const server = await startFakeServer(answer)
  const lyskom = new LyskomSession(await connectTo(server.port), { name: 'x', version: '1' }, new BodyCache(0))
  closing.push(server.close, () => lyskom.close())
  await lyskom.login(ME, 'x', false)
  const before = server.connections[0]?.received.length ?? 0
  return {
    lyskom,
    start: (texts = 20) => getStart(lyskom, { include: new Set(START_PARTS.slice(0, 4)), texts }),
    calls: () => server.connections[0]?.received.slice(before) ?? [],
  }
}

const numbersOf = (texts: readonly { head: { textNo: number } }[]) => texts.map(({ head }) => head.textNo)

describe('getStart', () => {
  it('makes two calls for each conference, and looks up no name twice', async () => {
    const confs = Array.from({ length: 60 }, (_, i) => ({ no: 10 + i, texts: 3, read: [[2, 2]] as [number, number][] }))
    const { start, calls } = await session(confs)
    const { unread, memberships, texts } = await start()
    expect([unread?.length, memberships?.length, texts.length]).toEqual([60, 60, 20])
    expect(unread?.[0]).toEqual({ persNo: ME, confNo: 10, textNos: [1000, 1002], localNos: [1, 3] })
    const argsOf = (number: number) => calls().flatMap(({ call, args }) => (call === number ? [String(args)] : []))
    const all = confs.map(({ no }) => String(no))
    expect(argsOf(UCONF)).toHaveLength(61)
    expect(new Set(argsOf(UCONF))).toEqual(new Set([...all, String(ME)]))
    expect(argsOf(LOCAL_TO_GLOBAL).map((args) => args.split(' ')[0])).toEqual(all)
  })

  it('requests the texts before most of the conferences', async () => {
    const { start, calls } = await session(Array.from({ length: 200 }, (_, i) => ({ no: 10 + i, texts: 30 })))
    await start()
    const numbers = calls().map(({ call }) => call)
    expect(numbers.lastIndexOf(GET_TEXT)).toBeLessThan(numbers.length / 2)
  })

  it('sends accept-async first, with the first calls', async () => {
    const { lyskom, start, calls } = await session([{ no: 10, texts: 1 }])
    const { accepted } = gatewaySession(lyskom).beginEvents()
    await Promise.all([accepted, start()])
    const [first, ...others] = calls().map(({ call }) => call)
    expect(first).toBe(ACCEPT_ASYNC)
    const ofState = [GET_MARKS, GET_UNREAD_CONFS, UCONF, GET_INFO, GET_MEMBERSHIP]
    expect(new Set(others.slice(0, 5))).toEqual(new Set(ofState))
  })

  it('reads the conferences with the highest priority first', async () => {
    const { start } = await session([
      { no: 10, texts: 1, priority: 1 },
      { no: 11, texts: 1, priority: 255 },
      { no: 12, texts: 1, priority: 255 },
    ])
    const { unread, memberships, texts } = await start()
    expect(memberships?.map(({ conference }) => conference.confNo)).toEqual([11, 12, 10])
    expect(unread?.map(({ confNo }) => confNo)).toEqual([11, 12, 10])
    expect(numbersOf(texts)).toEqual([1100, 1200, 1000])
  })

  it('finds all unread texts of a conference that needs several calls', async () => {
    const { start } = await session([{ no: 10, texts: 1000, read: [[3, 500]] }])
    const { unread, texts } = await start(3)
    const localNos = Array.from({ length: 1000 }, (_, i) => i + 1).filter((no) => no < 3 || no > 500)
    expect(unread).toEqual([{ persNo: ME, confNo: 10, textNos: localNos.map((no) => 999 + no), localNos }])
    expect(numbersOf(texts)).toEqual([1000, 1001, 1500])
  })

  it('leaves out a conference that is deleted meanwhile', async () => {
    const { start } = await session([
      { no: 10, texts: 2, isDeleted: true },
      { no: 11, texts: 2 },
    ])
    const { unread, memberships, texts } = await start()
    expect(memberships?.map(({ conference }) => conference.confNo)).toEqual([11])
    expect(unread?.map(({ confNo }) => confNo)).toEqual([11])
    expect(numbersOf(texts)).toEqual([1100, 1101])
  })

  it('leaves out a conference from which the person is expelled meanwhile, also in the positions of the others', async () => {
    const { start } = await session([
      { no: 10, texts: 2 },
      { no: 11, texts: 2, isHidden: true },
      { no: 12, texts: 2, priority: 200 },
    ])
    const { unread, memberships } = await start()
    expect(memberships?.map(({ conference, position }) => [conference.confNo, position])).toEqual([
      [12, 1],
      [10, 0],
    ])
    expect(unread?.map(({ confNo }) => confNo)).toEqual([12, 10])
  })

  it('leaves out the texts of a conference that the person may not read any more', async () => {
    const { start } = await session([
      { no: 7, texts: 1, isClosed: true },
      { no: 8, texts: 1 },
    ])
    const { memberships, unread } = await start()
    expect(memberships?.map(({ conference }) => conference.confNo)).toEqual([7, 8])
    expect(unread?.map(({ confNo }) => confNo)).toEqual([8])
  })

  it('leaves out texts that are deleted meanwhile', async () => {
    const { start } = await session([{ no: 10, texts: 3 }], { gone: [1001] })
    const { unread, texts } = await start()
    expect(unread?.[0]?.textNos).toEqual([1000, 1001, 1002])
    expect(numbersOf(texts)).toEqual([1000, 1002])
  })

  it('leaves out texts beyond 8 MB in all', async () => {
    const body = `subject\n${'x'.repeat(3 * 1024 * 1024)}`
    const { start } = await session([{ no: 10, texts: 4 }], { body })
    const { unread, texts } = await start()
    expect(unread?.[0]?.textNos).toHaveLength(4)
    expect(numbersOf(texts)).toEqual([1000, 1001])
  })
})
