import { afterEach, describe, expect, it } from 'vitest'
import { EventClient } from '../support/event-client.ts'
import { type FakeRequest, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { array, errorReply, fields, h, message, omitted, reply, time } from '../support/wire.ts'

const [LOGOUT, GET_MARKS, GET_UNREAD_CONFS, LOGIN, UCONF, GET_INFO, GET_MEMBERSHIP] = [1, 23, 52, 62, 78, 94, 108]
const LEAVE_CONF = 8
const LOGIN_FIRST = 6
const [ALICE, BOB] = [6, 7]
const then = time(new Date('2026-01-02T03:04:05Z'))

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Logs alice in on a server that names each conference after the person who asks, and holds the first memberships back. */
async function setUp() {
  let person = 0
  let release: (() => void) | undefined
  let isHeld = false
  const answer = ({ ref, call, args }: FakeRequest): Buffer | undefined => {
    if (call === LOGIN) person = Number(String(args).split(' ')[0])
    if (call === LOGOUT) person = 0
    switch (call) {
      case LOGIN:
      case LOGOUT:
        return reply(ref)
      case UCONF:
        return reply(ref, h(`as ${person} sees it`), '00000000', 0, 77)
      case GET_MARKS:
      case GET_UNREAD_CONFS:
      case GET_MEMBERSHIP:
        if (person === 0) return errorReply(ref, LOGIN_FIRST)
        if (call !== GET_MEMBERSHIP) return reply(ref, omitted(0))
        return reply(ref, array([fields(0, then, 100, 100, omitted(0), person, then, '00000000')]))
      case GET_INFO:
        return reply(ref, 20102, 0, 0, 0, 0, 0, '0 *')
      default:
        return undefined
    }
  }
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const server = await startFakeServer((request) => {
    const bytes = answer(request)
    if (request.call !== GET_MEMBERSHIP || isHeld) return bytes
    isHeld = true
    return held.then(() => bytes)
  })
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }])
  closing.push(server.close, gateway.close)
  const id = await gateway.open()
  const post = (path: string, json?: unknown) => gateway.send('POST', `/kom/sessions/current/${path}`, { id, json })
  const login = async (pers_no: number) => {
    expect((await post('login', { pers_no, passwd: 'x' })).status).toBe(201)
  }
  await login(ALICE)
  const received = (call: number) => server.connections[0]?.received.filter((each) => each.call === call).length
  return {
    ...{ server, login, post },
    release: () => release?.(),
    /** Begins a start, and resolves when its first calls have arrived. */
    async begin() {
      const started = post('start')
      await expect.poll(() => received(GET_MEMBERSHIP)).toBe(1)
      return { started }
    },
    async follow(position: string) {
      const url = `${gateway.url}/kom/sessions/current/events?position=${position}`
      const stream = await EventClient.open(url, { id })
      closing.push(() => stream.close())
      return stream
    },
  }
}

/** Waits until requests that were sent before have reached the gateway. */
async function settled(post: (path: string) => Promise<{ status: number }>): Promise<void> {
  expect((await post('tickets')).status).toBe(201)
}

describe('a start', () => {
  it.each([
    ['another person logs in', [BOB]],
    ['another person logs in, and the former one again', [BOB, ALICE]],
  ])('belongs to the last person when %s meanwhile', async (_, logins) => {
    const { server, begin, login, post, release, follow } = await setUp()
    const { started } = await begin()
    const all = []
    for (const person of logins) {
      all.push(login(person))
      await settled(post)
    }
    release()
    await Promise.all(all)
    const { status, json } = await started
    const last = logins.at(-1) as number
    const name = `as ${last} sees it`
    expect(status).toBe(200)
    expect(json.person).toEqual({ pers_no: last, pers_name: name })
    expect(json.memberships).toMatchObject([
      { pers_no: last, conference: { name }, added_by: { pers_no: last, pers_name: name } },
    ])
    const stream = await follow(json.position)
    server.connections[0]?.send(message(LEAVE_CONF, 100))
    expect((await stream.first(1)).map(({ type }) => type)).toEqual(['leave-conf'])
  })

  it('is a 401 when the person logs out meanwhile', async () => {
    const { begin, post, release } = await setUp()
    const { started } = await begin()
    const logout = post('logout')
    await settled(post)
    release()
    expect((await logout).status).toBe(204)
    const { status, json } = await started
    expect([status, json.error_msg]).toEqual([401, 'Not logged in.'])
  })
})
