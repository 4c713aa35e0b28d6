import { EventEmitter } from 'node:events'
import { LRUCache } from 'lru-cache'
import { ConcurrencyLimit } from '../concurrency-limit.ts'
import { ConnectionError } from '../connection/errors.ts'
import type { TcpAddress } from '../connection/transport.ts'
import { type Change, subjectOf } from './changes.ts'
import { serverKey } from './server-key.ts'

/** Checks of links at the same time, by all sessions on a server: each of them checks each link. */
const MAX_LINK_CHECKS = 100
/** Time in which changes of the same subject by different nodes may arrive in another order than made, milliseconds. */
const UNORDERED_MS = 2000
/** Subjects that are remembered for that time. */
const MAX_SUBJECTS = 10_000
/** The name of this process among the nodes that make changes. */
const HERE = 'here'

/** A change as a session receives it. */
export interface ReceivedChange {
  change: Change
  /** whether the session itself has made it */
  isOwn: boolean
  /** whether it is unknown which of several changes of the same was the last one, or whether the change was made */
  isContested: boolean
}

/** The event log of a session. */
export interface ChangeReceiver {
  onChange(received: ReceivedChange): void
  /** Changes may have been made that it has not received. */
  onLoss(): void
}

/** A change that has been made, for the sessions on other nodes of a cluster. */
export interface MadeChange {
  /** id of the server */
  readonly serverId: string
  /** the person whose sessions it concerns; undefined for all sessions on the server */
  readonly persNo: number | undefined
  readonly change: Change
  readonly isContested: boolean
  /** the node that has received it from its session; undefined for this one */
  readonly node?: string
}

/** Where a session is: its LysKOM server and its person. */
export interface ChangeAddress {
  /** id of the server; ids of the same server are equivalent */
  readonly serverId: string
  /** 0 for an anonymous session */
  readonly persNo: number
}

/** A session that makes changes. */
export interface ChangeMaker extends ChangeAddress {
  /** its event log, if it has one */
  readonly receiver: ChangeReceiver | undefined
}

/** A change whose call has no reply yet. */
interface ChangeInFlight {
  readonly maker: ChangeMaker
  isContested: boolean
}

interface RelayEvents {
  /** a session of this process has made a change */
  made: [MadeChange]
}

/**
 * Passes the changes that sessions make to the event logs that they concern: those of the person, or for a link all those
 * on the LysKOM server.
 */
export class ChangeRelay extends EventEmitter<RelayEvents> {
  readonly #servers: ReadonlyMap<string, TcpAddress>
  /** Receivers by server and person. */
  readonly #receivers = new Map<string, Map<number, Set<ChangeReceiver>>>()
  /** By server. */
  readonly #linkChecks = new Map<string, ConcurrencyLimit>()
  /** Changes in flight by server, person and subject. */
  readonly #inFlight = new Map<string, Set<ChangeInFlight>>()
  /** The node that has made the last change of a subject, by server, person and subject. */
  readonly #lastNodes = new LRUCache<string, string>({ max: MAX_SUBJECTS, ttl: UNORDERED_MS })

  /** @param servers addresses of the LysKOM servers by server id */
  constructor(servers: ReadonlyMap<string, TcpAddress>) {
    super()
    this.#servers = servers
  }

  /** Adds a receiver. */
  add({ serverId, persNo }: ChangeAddress, receiver: ChangeReceiver): void {
    const server = serverKey(this.#servers, serverId)
    const persons = getOrMake(this.#receivers, server, () => new Map<number, Set<ChangeReceiver>>())
    getOrMake(persons, persNo, () => new Set()).add(receiver)
  }

  /** Removes a receiver from the address that it was added with. */
  remove({ serverId, persNo }: ChangeAddress, receiver: ChangeReceiver): void {
    const server = serverKey(this.#servers, serverId)
    const persons = this.#receivers.get(server)
    const receivers = persons?.get(persNo)
    receivers?.delete(receiver)
    if (receivers?.size === 0) persons?.delete(persNo)
    if (persons?.size === 0) this.#receivers.delete(server)
  }

  /** Returns the limit on the checks of links by all sessions on a server. */
  linkChecks(serverId: string): ConcurrencyLimit {
    const server = serverKey(this.#servers, serverId)
    return getOrMake(this.#linkChecks, server, () => new ConcurrencyLimit(MAX_LINK_CHECKS))
  }

  /**
   * Begins a change.
   * @returns a function to call when the call has its reply, before any later message is handled, or with its error
   */
  begin(maker: ChangeMaker, change: Change): (error?: unknown) => void {
    const key = this.#keyOf(maker.serverId, personOf(change, maker), change)
    const all = getOrMake(this.#inFlight, key, () => new Set<ChangeInFlight>())
    const own: ChangeInFlight = { maker, isContested: false }
    for (const other of all) {
      if (other.maker === maker) continue
      other.isContested = true
      own.isContested = true
    }
    all.add(own)
    return (error) => {
      this.#end(maker, change, { isContested: own.isContested, error })
      // A late reply follows a timeout.
      own.isContested = true
      all.delete(own)
      if (all.size === 0 && this.#inFlight.get(key) === all) this.#inFlight.delete(key)
    }
  }

  /** Passes a change on that a session of another process has made. */
  receive({ serverId, persNo, change, isContested, node = '' }: MadeChange): void {
    const key = this.#keyOf(serverId, persNo, change)
    const inFlight = this.#inFlight.get(key)
    // Which change was the last one is unknown.
    for (const own of inFlight ?? []) own.isContested = true
    const last = this.#lastNodes.get(key) ?? node
    this.#lastNodes.set(key, node)
    const isUnordered = isContested || inFlight !== undefined || last !== node
    for (const receiver of this.#concerned(serverId, persNo)) {
      receiver.onChange({ change, isOwn: false, isContested: isUnordered })
    }
  }

  /** Reports to all receivers that changes of other processes may be lost. */
  reportLoss(): void {
    for (const persons of this.#receivers.values()) {
      for (const receivers of persons.values()) for (const receiver of receivers) receiver.onLoss()
    }
  }

  #end(maker: ChangeMaker, change: Change, { isContested, error }: { isContested: boolean; error: unknown }): void {
    // A call without a reply may have been carried out.
    const isUnknown = error instanceof ConnectionError && error.code !== 'too-many-calls'
    if (error !== undefined && !isUnknown) return
    const { serverId } = maker
    // The person may have changed while the call waited.
    const made = { serverId, persNo: personOf(change, maker), change, isContested: isContested || isUnknown }
    if (this.emit('made', made)) this.#lastNodes.set(this.#keyOf(serverId, made.persNo, change), HERE)
    for (const receiver of this.#concerned(serverId, made.persNo)) {
      const isOwn = receiver === maker.receiver && !isUnknown
      receiver.onChange({ change, isOwn, isContested: made.isContested })
    }
  }

  /** Returns the receivers of a person, or all those on a server. */
  #concerned(serverId: string, persNo: number | undefined): ChangeReceiver[] {
    const persons = this.#receivers.get(serverKey(this.#servers, serverId))
    const concerned = persNo === undefined ? [...(persons?.values() ?? [])] : [persons?.get(persNo)]
    return concerned.flatMap((receivers) => [...(receivers ?? [])])
  }

  #keyOf(serverId: string, persNo: number | undefined, change: Change): string {
    return `${serverKey(this.#servers, serverId)} ${persNo ?? ''} ${subjectOf(change)}`
  }
}

/** Returns the person whose sessions a change concerns; undefined for all sessions on the server. */
function personOf(change: Change, { persNo }: ChangeMaker): number | undefined {
  if (change.type === 'linked' || change.type === 'unlinked') return undefined
  return change.type === 'membership' ? change.persNo : persNo
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
