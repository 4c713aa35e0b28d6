import type { NameTable } from '../lyskom/names.ts'
import { ACCEPTED, type LyskomSession } from '../lyskom/session.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { type AsyncMessage, MESSAGES, messageName } from '../protocol/messages.ts'
import { EventLog } from './event-log.ts'
import { EVENT_MESSAGES, eventType, gatewayData, isEvent, messageData, messageSize, namedBy } from './event-types.ts'

/** Limits on the messages that wait for names. */
const MAX_WAITING = 1000
const MAX_WAITING_BYTES = 1024 * 1024
/** Messages whose names are loaded together: the lookups delay the calls of the client. */
const MAX_BATCH = 20

/** Messages that wait for names, in the order of their arrival. */
interface Queue {
  readonly messages: AsyncMessage[]
  bytes: number
}

/**
 * Turns the asynchronous messages of one session into the events of its log, and decides which messages the session
 * accepts. A session has a feed only if its client has asked for events or for messages.
 */
export class EventFeed {
  readonly #lyskom: LyskomSession
  readonly #log = new EventLog()
  /** Numbers of the messages that the client has requested with accept-async. */
  #requested: readonly number[] = []
  #hasStarted = false
  #starting: Promise<EventLog> | undefined
  #queue = emptyQueue()
  #isLoading = false

  constructor(lyskom: LyskomSession) {
    this.#lyskom = lyskom
  }

  /**
   * Returns the log, which has every event from then on. One round trip the first time.
   * @throws KomError or ConnectionError if the server does not accept the messages
   */
  start(): Promise<EventLog> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  /**
   * Requests messages for the client, besides those that the session needs itself. One round trip.
   * @param numbers numbers of asynchronous messages
   * @throws KomError `unknown-async` if one of them is unknown; the others are accepted
   */
  async accept(numbers: readonly number[]): Promise<void> {
    this.#requested = numbers.filter((number) => messageName(number) !== undefined)
    await this.#accept(numbers)
  }

  /** Begins a new epoch for another person. @param persNo 0 if nobody is logged in */
  personChanged(persNo: number): void {
    this.#queue = emptyQueue()
    this.#log.restart('person', gatewayData('person', { pers_no: persNo === 0 ? null : persNo }))
  }

  /** Adds the last event. */
  close(reason: string): void {
    this.#lyskom.connection.off('message', this.#receive)
    this.#queue = emptyQueue()
    this.#log.close('closed', gatewayData('closed', { reason }))
  }

  async #start(): Promise<EventLog> {
    if (!this.#hasStarted) this.#lyskom.connection.on('message', this.#receive)
    this.#hasStarted = true
    // A server of an earlier protocol accepts the messages that it knows.
    await this.#accept(this.#requested).catch(unlessUnknown)
    return this.#log
  }

  async #accept(requested: readonly number[]): Promise<void> {
    const names = this.#hasStarted ? [...ACCEPTED, ...EVENT_MESSAGES] : ACCEPTED
    const requestList = [...new Set([...requested, ...names.map((name) => MESSAGES[name].number)])]
    await this.#lyskom.connection.call('accept-async', { requestList })
  }

  readonly #receive = (message: AsyncMessage): void => {
    if (!isEvent(message)) return
    const queue = this.#queue
    if (queue.messages.length === 0 && this.#addNow(message)) return
    queue.messages.push(message)
    queue.bytes += messageSize(message)
    if (queue.messages.length > MAX_WAITING || queue.bytes > MAX_WAITING_BYTES) {
      this.#lyskom.connection.boundHit('waiting-messages')
      this.#overflow()
    } else if (!this.#isLoading) {
      void this.#loadNames()
    }
  }

  /** Adds the waiting messages to the log. Loads the names of one batch at a time, to keep the order. */
  async #loadNames(): Promise<void> {
    this.#isLoading = true
    while (this.#queue.messages.length > 0) {
      const queue = this.#queue
      const batch = queue.messages.slice(0, MAX_BATCH)
      const names = await this.#lyskom.names.load(batch.flatMap(namedBy)).catch(() => undefined)
      // The person has changed, or events were lost.
      if (queue !== this.#queue) continue
      queue.messages.splice(0, batch.length)
      for (const message of batch) {
        queue.bytes -= messageSize(message)
        if (queue === this.#queue) this.#add(message, names)
      }
    }
    this.#isLoading = false
  }

  /** Adds a message to the log if its names are cached, and returns whether they are. */
  #addNow(message: AsyncMessage): boolean {
    let names: NameTable | undefined
    try {
      names = this.#lyskom.names.cached(namedBy(message))
    } catch {
      // The names are too long in all, so loading them fails as well.
    }
    if (names !== undefined) this.#add(message, names)
    return names !== undefined
  }

  /** @param names undefined if they could not be loaded */
  #add(message: AsyncMessage, names: NameTable | undefined): void {
    let data: string | undefined
    try {
      data = names && messageData(message, names)
    } catch (error) {
      // The names are too long in all.
      if (!(error instanceof ProtocolError)) throw error
    }
    if (data === undefined) this.#overflow()
    else this.#log.append(eventType(message.name), data)
  }

  /** Drops the waiting messages. */
  #overflow(): void {
    this.#queue = emptyQueue()
    this.#log.overflow()
  }
}

function emptyQueue(): Queue {
  return { messages: [], bytes: 0 }
}

function unlessUnknown(error: unknown): void {
  if (!(error instanceof KomError) || error.errorName !== 'unknown-async') throw error
}
