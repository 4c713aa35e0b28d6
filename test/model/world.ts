import { expect } from 'vitest'
import type { Connection } from '../../src/connection/connection.ts'
import { CALLS, type CallName } from '../../src/protocol/calls/index.ts'
import { type AnyCodec, noBits } from '../../src/protocol/codec.ts'
import { writeRequest } from '../../src/protocol/envelope.ts'
import { KomError } from '../../src/protocol/errors.ts'
import { jsonMapping } from '../../src/protocol/json/mapping.ts'
import { extendedConfType, membershipType, personalFlags } from '../../src/protocol/types.ts'
import { connectTo } from '../support/connection.ts'
import type { ReceivedEvent } from '../support/event-client.ts'
import type { TestGateway } from '../support/gateway.ts'
import { SessionSocket } from '../support/session-socket.ts'
import { type Link, type Request, requestOf } from './requests.ts'
import type { Channel, Kind, Step } from './steps.ts'
import { Witness } from './witness.ts'

const OPEN = noBits(extendedConfType)
const MEMBER = noBits(membershipType)
/** The persons of the sessions, by index: the first one has two sessions. */
const HOMES = [0, 0, 1, 2] as const
const PERSONS = 3

/** Number of the sessions of a world. */
export const SESSIONS = HOMES.length

/** A session of the gateway. */
export interface ModelSession {
  /** the connection id */
  id: string
  /** number of the person who is logged in at the beginning and at the end */
  home: number
  /** the position of the beginning */
  begin: string
  /** carries requests, and all events from the beginning on without a cut */
  socket: SessionSocket
}

/** Persons, conferences and sessions of one run, and a client that speaks Protocol A directly. */
export class World {
  readonly #gateway: TestGateway
  readonly #port: number
  readonly #prefix: string
  readonly #direct: Connection
  readonly #persons: number[] = []
  readonly #conferences: number[] = []
  /** numbers of the texts written so far */
  readonly texts: number[] = []
  readonly #links: Link[] = []
  readonly sessions: ModelSession[] = []
  readonly #witnesses = new Map<number, Witness>()
  /** the kinds of steps whose requests have succeeded */
  readonly succeeded = new Set<Kind>()

  private constructor(gateway: TestGateway, port: number, direct: Connection, prefix: string) {
    this.#gateway = gateway
    this.#port = port
    this.#direct = direct
    this.#prefix = prefix
  }

  /** Creates a world. @param port of the LysKOM server @param prefix begins the names */
  static async create(gateway: TestGateway, port: number, prefix: string): Promise<World> {
    const world = new World(gateway, port, await connectTo(port), prefix)
    await world.#makePersons()
    await world.#makeConferences()
    await world.#makeTexts()
    for (const home of HOMES) await world.#open(home)
    await world.#announce(world.beginning)
    return world
  }

  /** the message that all sessions receive first */
  get beginning(): string {
    return `${this.#prefix} begins`
  }

  /** the message that all sessions receive last */
  get end(): string {
    return `${this.#prefix} ends`
  }

  /** Returns a client of Protocol A that is logged in as a person of the sessions. */
  witness(persNo: number): Witness {
    return this.#witnesses.get(persNo) as Witness
  }

  /** Makes the request of a step. Resolves when it is done or refused. @throws Error if it fails otherwise */
  async perform(step: Step): Promise<void> {
    const session = this.sessions[step.who]
    const request = this.#requestOf(step)
    const result =
      session === undefined ? await this.#perform(request) : await this.#send(session, request, step.channel)
    if (result === undefined) return
    this.succeeded.add(step.kind)
    const textNo = typeof result === 'number' ? result : (result as { text_no?: number } | null)?.text_no
    if (typeof textNo === 'number') this.texts.push(textNo)
    if (request.link !== undefined) this.#links.push({ text_no: textNo as number, ...request.link })
  }

  /** Logs every session in as its first person again, and sends the last message. */
  async finish(): Promise<void> {
    for (const { id, home } of this.sessions) {
      const { json } = await this.#gateway.send('GET', '/kom/sessions/current/who-am-i', { id })
      if (json.person?.pers_no !== home) await this.#logIn(id, home)
    }
    await this.#announce(this.end)
    for (const witness of this.#witnesses.values()) await witness.sync()
  }

  /** Returns the last event of a session, which its followers reach in the end, be it by a `reset`. */
  async lastEvent({ socket }: ModelSession): Promise<ReceivedEvent> {
    const last = () => socket.events.find(({ data }) => data.message === this.end)
    await expect.poll(last, { interval: 5 }).toBeDefined()
    return last() as ReceivedEvent
  }

  /** Ends the sessions and disconnects. */
  async close(): Promise<void> {
    for (const { id, socket } of this.sessions) {
      await socket.close()
      await this.#gateway.send('DELETE', '/kom/sessions/0', { id })
    }
    for (const witness of this.#witnesses.values()) await witness.close()
    await this.#direct.close()
  }

  #requestOf(step: Step): Request {
    const self = this.#persons[HOMES[step.who] ?? PERSONS] as number
    return requestOf(step, {
      self,
      persons: this.#persons.slice(0, PERSONS),
      conferences: this.#conferences,
      texts: this.texts,
      links: this.#links,
      prefix: this.#prefix,
      passwdOf: () => this.#prefix,
    })
  }

  /** Creates the persons of the sessions, and the one of the direct client. */
  async #makePersons(): Promise<void> {
    for (let i = 0; i <= PERSONS; i++) {
      const person = {
        name: `${this.#prefix} person ${i}`,
        passwd: this.#prefix,
        flags: noBits(personalFlags),
        auxItems: [],
      }
      this.#persons.push(await this.#direct.call('create-person', person))
    }
    await this.#direct.call('login', {
      person: this.#persons[PERSONS] as number,
      passwd: this.#prefix,
      invisible: true,
    })
  }

  /** Creates two open conferences, one that only members may read, and a secret one. */
  async #makeConferences(): Promise<void> {
    const types = [{}, {}, { rdProt: true }, { rdProt: true, secret: true }]
    const members = [
      [0, 1, 3],
      [0, 3],
      [1, 3],
      [2, 3],
    ]
    for (const [i, type] of types.entries()) {
      const name = `${this.#prefix} conference ${i}`
      const confNo = await this.#direct.call('create-conf', { name, type: { ...OPEN, ...type }, auxItems: [] })
      this.#conferences.push(confNo)
      for (const person of members[i] ?? []) {
        const persNo = this.#persons[person] as number
        await this.#direct.call('add-member', { confNo, persNo, priority: 100, where: 1, type: MEMBER })
      }
    }
  }

  async #makeTexts(): Promise<void> {
    for (const value of this.#conferences) {
      const text = { text: Buffer.from(`${value}`), miscInfo: [{ kind: 'recpt' as const, value }], auxItems: [] }
      this.texts.push(await this.#direct.call('create-text', text))
    }
  }

  /** Sends a message to the persons of the sessions. */
  async #announce(message: string): Promise<void> {
    for (const recipient of this.#persons.slice(0, PERSONS)) {
      await this.#direct.call('send-message', { recipient, message: Buffer.from(message) })
    }
  }

  /** Opens a session, and a witness for its person. */
  async #open(person: number): Promise<void> {
    const id = await this.#gateway.open()
    const home = this.#persons[person] as number
    await this.#logIn(id, home)
    if (!this.#witnesses.has(home)) this.#witnesses.set(home, await Witness.open(this.#port, home, this.#prefix))
    const socket = new SessionSocket(this.#gateway.url, id)
    const { reply } = await socket.ask('events', {})
    this.sessions.push({ id, home, begin: reply.position, socket })
  }

  async #logIn(id: string, pers_no: number): Promise<void> {
    const json = { pers_no, passwd: this.#prefix }
    const { status, text } = await this.#gateway.send('POST', '/kom/sessions/current/login', { id, json })
    if (status !== 201) throw new Error(`the login of ${pers_no} failed: ${text}`)
  }

  /** Makes a call on the direct connection. Resolves with its reply, undefined if the server refuses it. */
  async #perform({ call }: Request): Promise<unknown> {
    if (call === undefined) throw new Error('the direct client makes calls only')
    try {
      return (await this.#direct.call(call.name as 'who-am-i', paramsOf(call.name, call.params) as never)) ?? null
    } catch (error) {
      if (error instanceof KomError) return undefined
      throw error
    }
  }

  /** Sends a request to the gateway. Resolves with what it returns, undefined if the server refuses it. */
  async #send({ id, socket }: ModelSession, { route, call }: Request, channel: Channel): Promise<unknown> {
    const callRoute = call && { method: 'POST', path: `/calls/${call.name}`, json: call.params }
    const http = (channel.endsWith('route') ? (route ?? callRoute) : (callRoute ?? route)) as NonNullable<
      Request['route']
    >
    if (channel.startsWith('WebSocket') && call !== undefined) {
      const isRaw = channel === 'WebSocket a'
      const { reply, ...error } = isRaw
        ? await socket.ask('a', rawText(call.name, paramsOf(call.name, call.params)))
        : await socket.ask('calls', { call: call.name, params: call.params })
      if (error.error === undefined) return isRaw && call.name === 'create-text' ? Number(reply) : reply
      return refused(error, { channel, call })
    }
    if (!channel.startsWith('batched')) {
      const { method, path, json } = http
      const answer = await this.#gateway.send(method, `/kom${path}`, { id, ...(json !== undefined && { json }) })
      return answer.status < 300
        ? resultOf(answer.json)
        : refused(answer.json, { channel, http, status: answer.status })
    }
    const { method, path: url, json: body } = http
    const requests = [{ id: 'one', method, url, ...(body !== undefined && { body }) }]
    const { json } = await this.#gateway.send('POST', '/kom/batch', { id, json: { requests } })
    const { status, body: result } = json.responses[0]
    return status < 300 ? resultOf(result) : refused(result, { channel, http, status })
  }
}

function resultOf(json: { reply?: unknown } | null | undefined): unknown {
  return (json && 'reply' in json ? json.reply : json) ?? null
}

/**
 * Returns undefined for an error of the LysKOM server, and for a request that needs a login.
 * @param context describes the request
 * @throws Error for any other error
 */
function refused(error: { error_type?: string; error_msg?: string }, context: object): undefined {
  if (error?.error_type === 'protocol-a' || error?.error_msg === 'Not logged in.') return undefined
  throw new Error(`a request failed: ${JSON.stringify({ error, ...context })}`)
}

function paramsOf(name: CallName, json: unknown): unknown {
  return jsonMapping(CALLS[name].params as AnyCodec, 'client').fromJson(json)
}

/** Returns a request as the protocol `a` of the WebSocket takes it. */
function rawText(name: CallName, params: unknown): string {
  return writeRequest(0, name as 'who-am-i', params as never)
    .toString('latin1')
    .slice(2, -1)
}
