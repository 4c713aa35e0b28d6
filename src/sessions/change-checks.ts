import { readMiscInfo } from '../lyskom/misc-info.ts'
import type { LyskomSession } from '../lyskom/session.ts'
import type { Reply } from '../protocol/calls/index.ts'
import { KomError } from '../protocol/errors.ts'
import { jsonMapping } from '../protocol/json/mapping.ts'
import { type Membership, membershipType, type TextStat } from '../protocol/types.ts'
import {
  type Change,
  changeEvent,
  type GatewayEvent,
  type LinkChange,
  type MarkChange,
  type ReadChange,
} from './changes.ts'

/** Where the result of the checks goes. */
export interface ChecksOutput {
  /** Adds an event. Called in the order of the messages of the server. */
  add(event: GatewayEvent): void
  /** Called when an event may be missing. */
  lost(): void
}

/**
 * Turns the changes that other sessions have made into events, at the right place among the messages and the own changes
 * of a session.
 *
 * Messages and replies have an order on one connection only: the reply to a change on another connection may arrive
 * before an earlier message. So each change makes a call on the connection of the session, whose reply follows all earlier
 * messages. Of contested changes, the state that this call returns shows which one is in force; the others are left out.
 */
export class ChangeChecks {
  readonly #lyskom: LyskomSession
  readonly #output: ChecksOutput
  /** Increases when the person changes: the results of earlier checks are discarded. */
  #generation = 0

  constructor(lyskom: LyskomSession, output: ChecksOutput) {
    this.#lyskom = lyskom
    this.#output = output
  }

  /** Checks a change. One round trip. @param isContested see `ReceivedChange` */
  check(change: Change, isContested: boolean): void {
    const generation = this.#generation
    const add = (events: GatewayEvent[]): void => {
      if (generation === this.#generation) for (const event of events) this.#output.add(event)
    }
    this.#call(change, isContested, add).catch((error: unknown) => {
      // The person may not see what has changed, or not any more.
      if (error instanceof KomError || generation !== this.#generation) return
      this.clear()
      this.#output.lost()
    })
  }

  /** Discards the results of the checks in progress: the person has changed, or events are missing already. */
  clear(): void {
    this.#generation++
  }

  /** `add` is called before a later message is handled. */
  async #call(change: Change, isContested: boolean, add: (events: GatewayEvent[]) => void): Promise<unknown> {
    const { connection } = this.#lyskom
    switch (change.type) {
      case 'linked':
      case 'unlinked': {
        let stat: TextStat | undefined
        const onStat = (reply: TextStat): void => {
          stat = reply
        }
        const onReply = (): void => {
          if (stat !== undefined && (!isContested || isLinkInForce(change, stat))) add([changeEvent(change)])
        }
        return await Promise.all([
          connection.call('get-text-stat', { textNo: change.textNo }, { onReply: onStat }),
          connection.call('get-text-stat', { textNo: change.to }, { onReply }),
        ])
      }
      case 'read-ranges':
        return await this.#membership(change.confNo, true, ({ readRanges }) => add([rangesEvent(change, readRanges)]))
      case 'membership':
        return await this.#membership(change.confNo, false, (reply) => add([membershipEvent(change, reply)]))
    }
    if (!isContested) return await connection.call('get-time', {}, { onReply: () => add([changeEvent(change)]) })
    switch (change.type) {
      case 'marked':
      case 'unmarked': {
        const onReply = (marks: Reply<'get-marks'>): void => {
          if (isMarkInForce(change, marks)) add([changeEvent(change)])
        }
        return await connection.call('get-marks', {}, { onReply })
      }
      case 'read':
      case 'unread':
        return await this.#membership(change.confNo, true, ({ readRanges }) => {
          const remaining = inForce(change, readRanges)
          if (remaining.localNos.length > 0) add([changeEvent(remaining)])
        })
      case 'unread-set':
        return await this.#membership(change.confNo, true, ({ readRanges }) => add([rangesEvent(change, readRanges)]))
    }
  }

  #membership(
    conference: number,
    wantReadRanges: boolean,
    onReply: (membership: Membership) => void,
  ): Promise<Membership> {
    const { connection, persNo: person } = this.#lyskom
    return connection.call('query-read-texts', { person, conference, wantReadRanges, maxRanges: 0 }, { onReply })
  }
}

function isLinkInForce({ type, to, linkType }: LinkChange, { miscInfo }: TextStat): boolean {
  const isLinked = readMiscInfo(miscInfo).commentTo.some((link) => link.textNo === to && link.type === linkType)
  return isLinked === (type === 'linked')
}

function isMarkInForce(change: MarkChange, marks: Reply<'get-marks'>): boolean {
  const mark = marks.find(({ textNo }) => textNo === change.textNo)
  return change.type === 'marked' ? mark?.type === change.markType : mark === undefined
}

/** Leaves out the texts that another change has concerned since. */
function inForce(change: ReadChange, readRanges: Membership['readRanges']): ReadChange {
  const isRead = (localNo: number) =>
    readRanges.some((range) => range.firstRead <= localNo && localNo <= range.lastRead)
  const isKept = (i: number) => isRead(change.localNos[i] as number) === (change.type === 'read')
  return {
    ...change,
    localNos: change.localNos.filter((_, i) => isKept(i)),
    textNos: change.textNos?.filter((_, i) => isKept(i)),
  }
}

/** Returns the event that the read ranges of a conference are these now. */
function rangesEvent({ confNo }: { confNo: number }, readRanges: Membership['readRanges']): GatewayEvent {
  const ranges = readRanges.map(({ firstRead, lastRead }) => ({ first: firstRead, last: lastRead }))
  return { type: 'read', fields: { conf_no: confNo, ranges } }
}

const membershipTypes = jsonMapping(membershipType, 'server')

function membershipEvent({ confNo }: { confNo: number }, { position, priority, type }: Membership): GatewayEvent {
  const membership_type = membershipTypes.toJson(type)
  return { type: 'membership', fields: { conf_no: confNo, position, priority, membership_type } }
}
