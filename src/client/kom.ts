import type { Call, CallParams, CallReply } from './calls.ts'
import { SessionLostError } from './errors.ts'
import { type EventOptions, streamEvents } from './event-stream.ts'
import type { KomEvent, KomEventType, Selected } from './event-types.ts'
import { Live, type LiveOptions } from './live.ts'
import { path } from './path.ts'
import type { RequestOptions, RequestSpec, Send } from './request.ts'
import { Conferences } from './resources/conferences.ts'
import { Memberships, Persons } from './resources/persons.ts'
import { Messages, Server, SessionData, Sessions } from './resources/sessions.ts'
import { TextStats, Texts } from './resources/texts.ts'
import type { Transport } from './transport.ts'
import type { Login, Person, Started, StartPart, StartRequest, Ticket, WhoAmI } from './types.ts'

/** Calls without parameters may have them left out. */
type CallArguments<N extends Call> = keyof CallParams<N> extends never
  ? [params?: Record<string, never>, options?: RequestOptions]
  : [params: CallParams<N>, options?: RequestOptions]

/**
 * A session on a LysKOM server. Each method makes one request and resolves with the JSON of its response, which
 * docs/api.md describes.
 */
export class Kom {
  readonly texts: Texts
  readonly textStats: TextStats
  readonly conferences: Conferences
  readonly persons: Persons
  readonly memberships: Memberships
  readonly sessions: Sessions
  readonly messages: Messages
  readonly server: Server
  readonly data: SessionData
  readonly #transport: Transport
  readonly #send: Send

  constructor(transport: Transport) {
    const send: Send = (spec, options) => transport.send(spec, options)
    this.#transport = transport
    this.#send = send
    this.texts = new Texts(send)
    this.textStats = new TextStats(send)
    this.conferences = new Conferences(send)
    this.persons = new Persons(send)
    this.memberships = new Memberships(send)
    this.sessions = new Sessions(send)
    this.messages = new Messages(send)
    this.server = new Server(send)
    this.data = new SessionData(send)
  }

  /** The secret id of the session, with which `connect` resumes it: after a page has been reloaded, for example. */
  get connectionId(): string {
    return this.#transport.connectionId as string
  }

  /** Logs a person in. The person who was logged in before is logged out. */
  login(login: Login, options?: RequestOptions): Promise<Person> {
    return this.#send({ method: 'POST', path: path`/sessions/current/login`, body: login }, options)
  }

  /** Logs out. The session stays open for another login. */
  logout(options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'POST', path: path`/sessions/current/logout` }, options)
  }

  /** Returns the person, null if the session is not logged in, and the number of the session. */
  whoAmI(options?: RequestOptions): Promise<WhoAmI> {
    return this.#send({ method: 'GET', path: path`/sessions/current/who-am-i` }, options)
  }

  /**
   * Returns everything that a client shows first: memberships, unread texts, marks, the server and the first texts. Events
   * after `position` keep it current.
   */
  start<P extends StartPart = Exclude<StartPart, 'sessions'>>(
    request: StartRequest<P> = {},
    options?: RequestOptions,
  ): Promise<Started<P>> {
    return this.#send({ method: 'POST', path: path`/sessions/current/start`, body: request }, options)
  }

  /** Reports user activity, which resets the idle time that other users see. */
  active(options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'POST', path: path`/sessions/current/active` }, options)
  }

  /** Sets the conference in which other users see the person. @param confNo 0 for none */
  setWorkingConference(confNo: number, options?: RequestOptions): Promise<void> {
    const body = { conf_no: confNo }
    return this.#send({ method: 'POST', path: path`/sessions/current/working-conference`, body }, options)
  }

  /** Returns a ticket, which stands for the connection id once in a URL. */
  ticket(options?: RequestOptions): Promise<Ticket> {
    return this.#send({ method: 'POST', path: path`/sessions/current/tickets` }, options)
  }

  /**
   * Makes a call of Protocol A. Resolves with its reply.
   *
   * @param name as in the specification: `get-text-stat`
   * @param args the parameters, with `_` for `-` in their names, and options
   */
  call<N extends Call>(name: N, ...[params, options]: CallArguments<N>): Promise<CallReply<N>> {
    return this.#send({ method: 'POST', path: path`/calls/${name}`, body: params ?? {}, field: 'reply' }, options)
  }

  /**
   * Streams the events of the session: `for await (const event of kom.events())`. The stream opens when the first event
   * is awaited. If it breaks or is silent, it goes on from the last event, so that each event comes once and in order; a
   * gap begins with `reset`. It ends after `closed`, when a signal aborts, or when the loop is left.
   *
   * @throws SessionLostError if the session has ended
   * @throws RequestError if one of the types is unknown
   */
  events<T extends KomEventType = KomEventType>(
    options: EventOptions<T> = {},
  ): AsyncGenerator<KomEvent<Selected<T>>, void, undefined> {
    return streamEvents(this.#transport, options)
  }

  /**
   * Returns a model of what the person reads, which `start` begins and events keep current, until it is closed.
   *
   * @throws NotLoggedInError if the session is not logged in
   */
  async live(options: LiveOptions = {}): Promise<Live> {
    const { texts, signal } = options
    return new Live(this, this.#transport, options, await this.start({ texts }, { signal }))
  }

  /** Makes any request, for routes that have no method here. `path` is made by the function of that name. */
  request<T>(spec: Pick<RequestSpec, 'method' | 'path' | 'body'>, options?: RequestOptions): Promise<T> {
    return this.#send(spec, options)
  }

  /**
   * Sends at most 100 requests as one: `kom.batch([kom.texts.get(1), kom.texts.get(2)])`. Resolves with their values,
   * and fails with the first error, like `Promise.all`.
   *
   * @param requests promises of methods of this object that have just been called
   * @throws TypeError if one of the requests has been sent
   */
  async batch<const T extends readonly Promise<unknown>[]>(
    requests: T,
  ): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
    this.#sendBatch(requests)
    return await Promise.all(requests)
  }

  /** Does the same, and resolves with the outcome of each request, like `Promise.allSettled`. */
  async batchSettled<const T extends readonly Promise<unknown>[]>(
    requests: T,
  ): Promise<{ -readonly [K in keyof T]: PromiseSettledResult<Awaited<T[K]>> }> {
    this.#sendBatch(requests)
    return await Promise.allSettled(requests)
  }

  /** Ends the session. The signal that `connect` got does not abort it. */
  async close({ signal }: Pick<RequestOptions, 'signal'> = {}): Promise<void> {
    try {
      await this.#transport.sendLast({ method: 'DELETE', path: path`/sessions/0`, isAlone: true }, { signal })
    } catch (error) {
      if (!(error instanceof SessionLostError)) throw error
    }
  }

  #sendBatch(requests: readonly Promise<unknown>[]): void {
    // Handles the errors of the requests, also if there is no batch.
    void Promise.allSettled(requests)
    this.#transport.sendBatch(requests)
  }
}
