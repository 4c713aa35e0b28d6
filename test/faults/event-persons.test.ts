import { setImmediate as nextTick } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { ReceivedEvent } from '../support/event-client.ts'
import { type EventFollower, TRANSPORTS } from '../support/event-follower.ts'
import { type FakeConnection, type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { repetitions } from '../support/repetitions.ts'
import { array, fields, h, message, omitted, reply, time } from '../support/wire.ts'

const LOGOUT = 1
const MARK_AS_READ = 27
const LOGIN = 62
const UCONF = 78
const LEAVE_CONF = 8
const NEW_TEXT = 15
const PERSONS = [6, 7]
const NOW = time(new Date('2026-01-07T09:45:00Z'))

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/**
 * A LysKOM server whose messages name the person of the session to which it sends them: text and conference numbers are
 * 1,000 times the person number and more.
 */
class Sender {
  readonly #persons = new Map<FakeConnection, number>()
  #sent = 0
  /** messages before and after the reply to the next login or logout */
  around: { before: number; after: number } = { before: 0, after: 0 }

  readonly handler: Handler = async ({ ref, call, args }, connection) => {
    if (call === MARK_AS_READ) return reply(ref)
    if (call === UCONF) {
      // Names of new texts load while the person changes.
      for (let i = 0; i < Number(args) % 5; i++) await nextTick()
      return reply(ref, h(`Name ${args}`), '10010000', 1, 77)
    }
    if (call !== LOGIN && call !== LOGOUT) return false
    const { before, after } = this.around
    const former = this.messages(connection, before)
    this.#persons.set(connection, call === LOGIN ? Number(String(args).split(' ')[0]) : 0)
    connection.send(...former, reply(ref), ...this.messages(connection, after))
    return true
  }

  /** Returns the person of a session. */
  personOf(connection: FakeConnection): number {
    return this.#persons.get(connection) ?? 0
  }

  /** Returns messages for the person of a session, by turns one that can be sent on at once and one that needs names. */
  messages(connection: FakeConnection, count: number): Buffer[] {
    const person = this.personOf(connection)
    return Array.from({ length: count }, () => {
      const no = person * 1000 + (++this.#sent % 1000)
      if (this.#sent % 2 === 0) return message(LEAVE_CONF, no)
      // No name is known before: each text has another author.
      const misc = array([fields(0, 8), fields(6, no)])
      return message(NEW_TEXT, no, NOW, 10_000 + this.#sent, 1, 10, 0, misc, omitted(0))
    })
  }
}

/** Returns the person whom an event names; undefined for an event of the gateway about the session. */
function personIn({ type, data }: ReceivedEvent): number | undefined {
  return type === 'person' || type === 'reset' ? undefined : Math.floor((data.text_no ?? data.conf_no) / 1000)
}

const epochOf = ({ id }: ReceivedEvent): string => id.split('-')[0] as string

/** Follows a session, and is cut off and resumed. */
class CutFollower {
  readonly #gateway: TestGateway
  readonly #id: string
  #follower: EventFollower
  #transport: number
  #before: ReceivedEvent[] = []

  private constructor(gateway: TestGateway, id: string, transport: number, follower: EventFollower) {
    this.#gateway = gateway
    this.#id = id
    this.#transport = transport
    this.#follower = follower
  }

  static async open(gateway: TestGateway, id: string, transport: number): Promise<CutFollower> {
    const follower = await (TRANSPORTS[transport] as (typeof TRANSPORTS)[number])[1](gateway, id)
    return new CutFollower(gateway, id, transport, follower)
  }

  get events(): ReceivedEvent[] {
    return [...this.#before, ...this.#follower.events]
  }

  /** Disconnects and resumes with the other transport, `ticks` event-loop ticks later. */
  async cut(ticks: number): Promise<void> {
    await this.#follower.close()
    this.#before = this.events
    const { position } = this.#follower
    for (let i = 0; i < ticks; i++) await nextTick()
    this.#transport = 1 - this.#transport
    const [, follow] = TRANSPORTS[this.#transport] as (typeof TRANSPORTS)[number]
    this.#follower = await follow(this.#gateway, this.#id, position || undefined)
  }

  async close(): Promise<void> {
    await this.#follower.close()
  }
}

const step = fc.record({
  action: fc.constantFrom('log in', 'log in', 'log in', 'log out', 'messages', 'mark', 'cut', 'cut', 'wait'),
  person: fc.constantFrom(...PERSONS),
  before: fc.nat({ max: 3 }),
  after: fc.nat({ max: 3 }),
  follower: fc.nat({ max: 1 }),
  ticks: fc.nat({ max: 40 }),
})

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

describe('the events of a session on which persons log in and out', () => {
  let server: FakeServer
  let gateway: TestGateway
  let sender: Sender

  async function start(): Promise<void> {
    sender = new Sender()
    server = await startFakeServer(sender.handler)
    const limits = { maxLoginsPerMinute: 1_000_000, maxOpeningsPerMinute: 1_000_000, maxSessionsPerPerson: 1000 }
    gateway = await startTestGateway([{ id: 'kom', port: server.port }], limits)
    closing.push(server.close, gateway.close)
  }

  const logIn = (id: string, pers_no: number) =>
    gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no, passwd: 'x' } })

  /** Performs the steps on a new session, and checks the events of all that follow it. */
  async function run(first: number, steps: readonly Step[]): Promise<void> {
    sender.around = { before: 0, after: 0 }
    const id = await gateway.open()
    const connection = server.connections.at(-1) as FakeConnection
    if (first !== 0) await logIn(id, first)
    const others = new Map<number, string>()
    for (const person of PERSONS) {
      const other = await gateway.open()
      await logIn(other, person)
      others.set(person, other)
    }
    const [, followStream] = TRANSPORTS[0] as (typeof TRANSPORTS)[number]
    // Knows the person of each epoch.
    const observer = await followStream(gateway, id)
    const followers = [await CutFollower.open(gateway, id, 0), await CutFollower.open(gateway, id, 1)]
    let pending: Promise<unknown>[] = []
    const send = (path: string, session: string | undefined, json?: object): void => {
      pending.push(gateway.send('POST', `/kom/${path}`, { ...(session && { id: session }), ...(json && { json }) }))
    }
    let marked = 0
    for (const { action, person, before, after, follower, ticks } of steps) {
      sender.around = { before, after }
      if (action === 'log in') pending.push(logIn(id, person))
      else if (action === 'log out') send('sessions/current/logout', id)
      else if (action === 'messages') connection.send(...sender.messages(connection, 1 + before))
      else if (action === 'mark') {
        send('calls/mark-as-read', others.get(person), { conference: person * 1000 + (++marked % 1000), text: [1] })
      } else if (action === 'cut') await followers[follower]?.cut(ticks)
      else pending = await Promise.all(pending).then(() => [])
    }
    await Promise.all(pending)
    const person = sender.personOf(connection)
    const isMark = ({ data }: ReceivedEvent) => data.conf_no === person * 1000 + 999
    if (person !== 0) {
      send('calls/mark-as-read', others.get(person), { conference: person * 1000 + 999, text: [1] })
      for (const each of [observer, ...followers]) await expect.poll(() => each.events.some(isMark)).toBe(true)
    }
    const last = message(LEAVE_CONF, 65_535)
    connection.send(last)
    const isLast = ({ data }: ReceivedEvent) => data.conf_no === 65_535
    for (const each of [observer, ...followers]) await expect.poll(() => each.events.some(isLast)).toBe(true)
    const persons = new Map<string, number>()
    for (const event of observer.events) {
      if (event.type === 'person') persons.set(epochOf(event), event.data.pers_no ?? 0)
    }
    const order = [...persons.keys()]
    for (const { events } of [observer, ...followers]) {
      const received = events.filter((event) => !isLast(event))
      for (const event of received) {
        const person = personIn(event)
        if (person !== undefined) expect([event, persons.get(epochOf(event)) ?? first]).toEqual([event, person])
      }
      const epochs = received.map((event) => order.indexOf(epochOf(event)))
      expect(epochs).toEqual(epochs.toSorted((one, other) => one - other))
      const ids = received.filter(({ type }) => type !== 'reset').map((event) => event.id)
      expect(new Set(ids).size).toBe(ids.length)
    }
    for (const each of [observer, ...followers]) await each.close()
    for (const each of [id, ...others.values()]) await gateway.send('DELETE', '/kom/sessions/0', { id: each })
  }

  it('are those of the person of their epoch, in whatever way they are followed', { timeout: 300_000 }, async () => {
    await start()
    const steps = fc.array(step, { minLength: 20, maxLength: 40 })
    await fc.assert(fc.asyncProperty(fc.constantFrom(0, ...PERSONS), steps, run), {
      numRuns: repetitions(50),
      endOnFailure: true,
    })
  })
})
