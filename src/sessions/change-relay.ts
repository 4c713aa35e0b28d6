import { ConcurrencyLimit } from '../concurrency-limit.ts'
import { ConnectionError } from '../connection/errors.ts'
import type { TcpAddress } from '../connection/transport.ts'
import { type Change, subjectOf } from './changes.ts'
import { serverKey } from './server-key.ts'

/** Checks of links at the same time, by all sessions on a server: each of them checks each link. */
const MAX_LINK_CHECKS = 100

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

/**
 * Passes the changes that sessions make to the event logs that they concern: those of the person, or for a link all those
 * on the LysKOM server.
 */
export class ChangeRelay {
  readonly #servers: ReadonlyMap<string, TcpAddress>
  /** Receivers by server and person. */
  readonly #receivers = new Map<string, Map<number, Set<ChangeReceiver>>>()
  /** By server. */
  readonly #linkChecks = new Map<string, ConcurrencyLimit>()
  /** Changes in flight by server, person and subject. */
  readonly #inFlight = new Map<string, Set<ChangeInFlight>>()

  /** @param servers addresses of the LysKOM servers by server id */
  constructor(servers: ReadonlyMap<string, TcpAddress>) {
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
    const server = serverKey(this.#servers, maker.serverId)
    const key = `${server} ${personOf(change, maker) ?? ''} ${subjectOf(change)}`
    const all = getOrMake(this.#inFlight, key, () => new Set<ChangeInFlight>())
    const own: ChangeInFlight = { maker, isContested: false }
    for (const other of all) {
      if (other.maker === maker) continue
      other.isContested = true
      own.isContested = true
    }
    all.add(own)
    return (error) => {
      this.#end(server, maker, change, { isContested: own.isContested, error })
      // A late reply follows a timeout.
      own.isContested = true
      all.delete(own)
      if (all.size === 0 && this.#inFlight.get(key) === all) this.#inFlight.delete(key)
    }
  }

  #end(
    server: string,
    maker: ChangeMaker,
    change: Change,
    { isContested, error }: { isContested: boolean; error: unknown },
  ): void {
    const persons = this.#receivers.get(server)
    // A call without a reply may have been carried out.
    const isUnknown = error instanceof ConnectionError && error.code !== 'too-many-calls'
    if (persons === undefined || (error !== undefined && !isUnknown)) return
    // The person may have changed while the call waited.
    const persNo = personOf(change, maker)
    const concerned = persNo === undefined ? [...persons.values()] : [persons.get(persNo)]
    for (const receivers of concerned) {
      for (const receiver of receivers ?? []) {
        const isOwn = receiver === maker.receiver && !isUnknown
        receiver.onChange({ change, isOwn, isContested: isContested || isUnknown })
      }
    }
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
