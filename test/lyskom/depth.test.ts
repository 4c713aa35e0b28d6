import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { getConference } from '../../src/lyskom/conferences.ts'
import { createText } from '../../src/lyskom/create-text.ts'
import { markText } from '../../src/lyskom/marks.ts'
import { addMember, getMembership, getMemberships } from '../../src/lyskom/memberships.ts'
import { sendMessage } from '../../src/lyskom/messages.ts'
import { getOnlineSessions } from '../../src/lyskom/online.ts'
import { getServerInfo } from '../../src/lyskom/server-info.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { getStart, START_PARTS } from '../../src/lyskom/start.ts'
import { getConferenceTexts, getCreatedTexts } from '../../src/lyskom/text-pages.ts'
import { getBody, getText, getTextHead } from '../../src/lyskom/texts.ts'
import { getThread } from '../../src/lyskom/thread.ts'
import { getAllUnread, getUnread } from '../../src/lyskom/unread.ts'
import { connectTo } from '../support/connection.ts'
import type { FakeRequest } from '../support/fake-server.ts'
import { gatewaySession } from '../support/gateway-session.ts'
import { type RoundServer, startRoundServer } from '../support/rounds.ts'
import { array, fields, h, reply, time } from '../support/wire.ts'

const ME = 6
const then = time(new Date('2026-01-02T03:04:05Z'))

/** Number of items of each kind. Sequential calls for the items would make the depth grow with it. */
let many: number
let rounds: RoundServer
let session: LyskomSession

/** Returns `n` items, made from the numbers 1 to `n`. */
const times = <T>(n: number, make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i + 1))

function textStat(): Buffer {
  const recipients = times(many, (i) => [fields(0, 100 + i), fields(6, i), fields(8, 200 + i), fields(9, then)]).flat()
  const comments = times(many, (i) => fields(3, 1000 + i))
  const auxItem = fields(1, 2, 300, then, '00000000', 0, h('fast'))
  return fields(then, 400, 1, 10, 0, array([...recipients, ...comments]), array([auxItem]))
}

/** Number of the topmost text of a thread. It comments on a text outside. */
const ROOT = 5000
/** Number of links from the topmost text of the thread to its lowest texts. */
const HEIGHT = 3

/** Below the topmost text, `many` branches of texts with the numbers 5101, 5201 … */
function threadStat(no: number): Buffer {
  const level = Math.floor((no - ROOT) / 100)
  const comments = level === 0 ? times(many, (i) => no + 100 + i) : level < HEIGHT ? [no + 100] : []
  const commented = level === 0 ? 1000 : level === 1 ? ROOT : no - 100
  const links = [fields(2, commented), ...comments.map((comment) => fields(3, comment))]
  return fields(then, 700 + level, 1, 10, 0, array([fields(0, 100 + level), fields(6, 1), ...links]), '0 *')
}

/** A text with a subject that is too long for one call. */
const LONG_TEXT = `${'x'.repeat(600)}\nbody`

const membership = (confNo: number, i: number) =>
  fields(i, then, confNo, 100, array([fields(1, 2), fields(5, 6)]), 500 + i, then, '00000000')

function answer({ ref, call, args }: FakeRequest): Buffer | undefined {
  const [first] = String(args).split(' ').map(Number) as [number]
  const second = Number(String(args).split(' ')[1])
  switch (call) {
    case 23:
      return reply(ref, array(times(many, (i) => fields(i, 100))))
    case 25:
      return reply(ref, h(LONG_TEXT.slice(0, Number(String(args).split(' ')[2]) + 1)))
    case 52:
      return reply(ref, array(times(many, (i) => 100 + i)))
    case 53:
    case 80:
    case 62:
    case 72:
    case 100:
      return reply(ref)
    case 78:
      return reply(ref, h(`conference ${first}`), '00000000', 10, 77)
    case 70:
    case 71:
      return reply(ref, h('client'))
    case 83:
      return reply(ref, array(times(many, (i) => fields(i, 100 + i, 200 + i, 5, '01000000', h('reads')))))
    case 84:
      return reply(ref, h('user'), h('host'), h('unknown'), then)
    case 86:
      return reply(ref, 4711)
    case 90:
      if (first >= ROOT) return reply(ref, threadStat(first))
      // Each linked text has a different author.
      return reply(ref, first < 1000 ? textStat() : fields(then, 600 + (first % 100), 1, 10, 0, '0 *', '0 *'))
    case 91:
      return reply(ref, h('c'), '00000000', then, then, 201, 0, 202, 203, 204, 0, 77, 77, 1, 1, 10, 0, '0 *')
    case 94:
      return reply(ref, 20102, 1, 2, 3, 4, 0, '0 *')
    case 103:
      return reply(ref, second, 10, 0, 1, second, array([7]))
    case 107:
      return reply(ref, membership(second, 1))
    case 108:
      return reply(ref, array(times(many, (i) => membership(100 + i, i))))
    case 121:
    case 122:
      return reply(ref, 1, many, 0, 1, 1, array(times(many, (i) => i)))
    default:
      return undefined
  }
}

beforeEach(async () => {
  rounds = await startRoundServer(answer)
})
afterEach(async () => {
  await session.close()
  await rounds.server.close()
})

const page = { unread: false, passive: false, first: 0, count: 100 }
const newest = { before: 0, count: 100 }
const LOWEST = ROOT + HEIGHT * 100 + 1
const draft = { text: Buffer.from('s\nb'), contentType: 'text/plain', recipients: [], commentTo: [], software: 'x 1' }

/** A start as its route makes it, without the sessions, whose calls would not fit into the in-flight window as well. */
function start(texts: number): Promise<unknown> {
  const { accepted } = gatewaySession(session).beginEvents()
  const include = new Set(START_PARTS.filter((part) => part !== 'sessions'))
  return Promise.all([getStart(session, { include, texts }), accepted])
}

/** The operations and the largest number of round trips of each. */
const OPERATIONS: [title: string, depth: number, operation: () => Promise<unknown>][] = [
  ['getText', 3, () => getText(session, 1)],
  ['getTextHead', 3, () => getTextHead(session, 1)],
  ['getBody', 1, () => getBody(session, 1, [])],
  ['getAllUnread', 3, () => getAllUnread(session, ME)],
  ['getAllUnread of another person', 3, () => getAllUnread(session, 99)],
  ['getUnread', 2, () => getUnread(session, ME, 101)],
  ['getMemberships', 3, () => getMemberships(session, ME, page)],
  ['getMemberships with unread texts', 3, () => getMemberships(session, ME, { ...page, unread: true })],
  ['getMembership', 2, () => getMembership(session, ME, 101)],
  ['getConference', 2, () => getConference(session, 101)],
  ['getConferenceTexts', 4, () => getConferenceTexts(session, 101, { ...newest, subjects: false })],
  ['getConferenceTexts with subjects', 4, () => getConferenceTexts(session, 101, { ...newest, subjects: true })],
  ['getCreatedTexts', 4, () => getCreatedTexts(session, ME, { ...newest, subjects: true })],
  ['getThread', HEIGHT + 3, () => getThread(session, ROOT, { up: false, limit: 100 })],
  ['getThread from a lowest text', 2 * HEIGHT + 3, () => getThread(session, LOWEST, { up: true, limit: 100 })],
  ['getOnlineSessions', 2, () => getOnlineSessions(session, 0)],
  ['sendMessage', 1, () => sendMessage(session, 0, 'x')],
  ['login by number', 2, () => gatewaySession(session).login({ persNo: ME }, 'x')],
  ['getServerInfo', 2, () => getServerInfo(session)],
  ['getStart', 5, () => start(20)],
  ['getStart without texts', 4, () => start(0)],
  ['createText', 1, () => createText(session, draft)],
  ['markText', 1, () => markText(session, 1, 100)],
  ['addMember', 1, () => addMember(session, ME, 101, { priority: 100, where: 0 })],
]

// With few items, all concurrent calls of an operation fit into the in-flight window.
describe.each([1, 4])('with %i items of each kind', (n) => {
  it.each(OPERATIONS)('%s needs at most %i round trips', async (_, depth, operation) => {
    many = n
    session = new LyskomSession(await connectTo(rounds.server.port), { name: 'x', version: '1' }, new BodyCache(1000))
    await session.login(ME, 'x', false)
    const counted = await rounds.count(operation)
    expect(counted.calls).toBeGreaterThan(0)
    expect(counted.rounds).toBeLessThanOrEqual(depth)
  })
})
