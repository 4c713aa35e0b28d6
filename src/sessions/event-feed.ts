import type { NameTable } from '../lyskom/names.ts'
import { ACCEPTED, type LyskomSession } from '../lyskom/session.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { type AsyncMessage, MESSAGES, messageName } from '../protocol/messages.ts'
import { ChangeChecks } from './change-checks.ts'
import type { ChangeReceiver, ChangeRelay, ReceivedChange } from './change-relay.ts'
import { changeEvent, type GatewayEvent, isComplete } from './changes.ts'
import { EventLog, type LoggedEvent } from './event-log.ts'
import { EVENT_MESSAGES, eventType, gatewayData, isEvent, messageData, messageSize, namedBy } from './event-types.ts'
import { FloodGuard } from './flood-guard.ts'
import { eventWithCachedNames } from './shared-events.ts'

/** Limits on the messages that wait for names, and on the events behind them. */
const MAX_WAITING = 1000
const MAX_WAITING_BYTES = 1024 * 1024
/** Messages whose names are loaded together: the lookups delay the calls of the client. */
const MAX_BATCH = 20

/** Numbers of the messages that update the caches of the session. */
const NEEDED: ReadonlySet<number> = new Set(ACCEPTED.map((name) => MESSAGES[name].number))

/** An event of the gateway, in the form in which the log has it. */
interface FormattedEvent {
  type: string
  data: string
}

/** Messages that wait for names, and events behind them, in the order of their arrival. */
interface Queue {
  readonly entries: (AsyncMessage | FormattedEvent)[]
  bytes: number
}

/** The parts of the session and the gateway that a feed uses. */
export interface EventFeedOptions {
  lyskom: LyskomSession
  /** id of the LysKOM server */
  serverId: string
  /** carries the changes of other sessions */
  relay: ChangeRelay
}

/**
 * Turns the asynchronous messages of one session, and the changes that sessions make without such messages, into the
 * events of its log. Decides which messages the session accepts. A session has a feed only if its client has asked for
 * events or for messages.
 */
export class EventFeed implements ChangeReceiver {
  readonly #lyskom: LyskomSession
  readonly #serverId: string
  readonly #relay: ChangeRelay
  readonly #log = new EventLog()
  readonly #checks: ChangeChecks
  /** Numbers of the messages that the client has requested with accept-async. */
  #requested: readonly number[] = []
  #hasStarted = false
  #starting: Promise<EventLog> | undefined
  #queue = emptyQueue()
  #isLoading = false
  readonly #flood = new FloodGuard((isOver) => this.#onFlood(isOver))
  /** The person for whom the feed receives changes; undefined for none. */
  #receivesFor: number | undefined

  constructor({ lyskom, serverId, relay }: EventFeedOptions) {
    this.#lyskom = lyskom
    this.#serverId = serverId
    this.#relay = relay
    const output = {
      add: (event: GatewayEvent) => this.#addGatewayEvent(event),
      lost: () => this.#overflow(),
    }
    this.#checks = new ChangeChecks({ lyskom, links: relay.linkChecks(serverId), output })
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

  /** Does the same, and returns the log at once. `accepted` resolves when the server accepts the messages. */
  begin(): { log: EventLog; accepted: Promise<EventLog> } {
    return { log: this.#log, accepted: this.start() }
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

  /** Begins a new epoch for another person. @param persNo 0 after a logout */
  personChanged(persNo: number): void {
    this.#queue = emptyQueue()
    this.#checks.clear()
    if (this.#hasStarted) this.#receiveFor(persNo)
    this.#log.restart('person', gatewayData('person', { pers_no: persNo === 0 ? null : persNo }))
  }

  /**
   * Receives a change. Own changes become events at their place among the messages, if their calls tell everything of
   * them; all others are checked first, see `ChangeChecks`.
   */
  onChange({ change, isOwn, isContested }: ReceivedChange): void {
    if (this.#flood.isOn) return
    if (isOwn && isComplete(change)) this.#addGatewayEvent(changeEvent(change))
    else this.#checks.check(change, isContested)
  }

  /** Begins a new epoch, because changes of other nodes may be lost. */
  onLoss(): void {
    this.#overflow()
  }

  /** Adds the last event. */
  close(reason: string): void {
    this.#lyskom.connection.off('message', this.#receive)
    this.#lyskom.connection.drops = undefined
    this.#flood.stop()
    this.#receiveFor(undefined)
    this.#checks.clear()
    this.#queue = emptyQueue()
    this.#log.close('closed', gatewayData('closed', { reason }))
  }

  async #start(): Promise<EventLog> {
    if (!this.#hasStarted) {
      this.#lyskom.connection.on('message', this.#receive)
      this.#lyskom.connection.drops = this.#drops
      this.#receiveFor(this.#lyskom.persNo)
    }
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

  /** @param persNo undefined to receive no changes */
  #receiveFor(persNo: number | undefined): void {
    // The last requests of a session that is closing may still change its person.
    if (this.#log.isClosed) return
    const serverId = this.#serverId
    if (this.#receivesFor !== undefined) this.#relay.remove({ serverId, persNo: this.#receivesFor }, this)
    if (persNo !== undefined) this.#relay.add({ serverId, persNo }, this)
    this.#receivesFor = persNo
  }

  /** Whether to drop a message because of a flood. Those that the caches and the client's WebSockets need are decoded. */
  readonly #drops = (number: number): boolean => {
    return this.#flood.drops() && !NEEDED.has(number) && !this.#requested.includes(number)
  }

  readonly #receive = (message: AsyncMessage): void => {
    if (!isEvent(message) || this.#flood.isOn) return
    if (this.#queue.entries.length === 0 && this.#addNow(message)) return
    this.#wait(message)
  }

  /** Adds an event of the gateway, behind the messages that wait. */
  #addGatewayEvent({ type, fields }: GatewayEvent): void {
    const data = gatewayData(type, fields)
    if (this.#queue.entries.length === 0) this.#log.append(type, data)
    else this.#wait({ type, data })
  }

  #wait(entry: AsyncMessage | FormattedEvent): void {
    const queue = this.#queue
    queue.entries.push(entry)
    queue.bytes += sizeOf(entry)
    if (queue.entries.length > MAX_WAITING || queue.bytes > MAX_WAITING_BYTES) {
      this.#lyskom.connection.boundHit('waiting-messages')
      this.#overflow()
    } else if (!this.#isLoading) {
      void this.#loadNames()
    }
  }

  /** Adds what waits to the log. Loads the names of one batch at a time, to keep the order. */
  async #loadNames(): Promise<void> {
    this.#isLoading = true
    while (this.#queue.entries.length > 0) {
      const queue = this.#queue
      const batch = queue.entries.slice(0, MAX_BATCH)
      const numbers = batch.flatMap((entry) => ('name' in entry ? namedBy(entry) : []))
      const names = await this.#lyskom.names.load(numbers).catch(() => undefined)
      // The person has changed, or events were lost.
      if (queue !== this.#queue) continue
      queue.entries.splice(0, batch.length)
      for (const entry of batch) {
        queue.bytes -= sizeOf(entry)
        if (queue !== this.#queue) continue
        if ('name' in entry) this.#add(entry, names)
        else this.#log.append(entry.type, entry.data)
      }
    }
    this.#isLoading = false
  }

  /** Adds a message to the log if its names are cached, and returns whether they are. */
  #addNow(message: AsyncMessage): boolean {
    let event: LoggedEvent | undefined
    try {
      event = eventWithCachedNames(message, this.#lyskom.names)
    } catch (error) {
      // The names are too long in all, so loading them fails as well.
      if (!(error instanceof ProtocolError)) throw error
    }
    if (event !== undefined) this.#log.add(event)
    return event !== undefined
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

  /** Begins a new epoch at the beginning and at the end of a flood. */
  #onFlood(isOver: boolean): void {
    if (!isOver) this.#lyskom.connection.boundHit('message-rate')
    this.#overflow()
  }

  /** Drops what waits. */
  #overflow(): void {
    this.#queue = emptyQueue()
    this.#log.overflow()
  }
}

function emptyQueue(): Queue {
  return { entries: [], bytes: 0 }
}

function sizeOf(entry: AsyncMessage | FormattedEvent): number {
  return 'name' in entry ? messageSize(entry) : entry.data.length
}

function unlessUnknown(error: unknown): void {
  if (!(error instanceof KomError) || error.errorName !== 'unknown-async') throw error
}
