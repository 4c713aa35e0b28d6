import { ALL_MEMBERSHIPS } from '../lyskom/membership-stats.ts'
import { readMiscInfo } from '../lyskom/misc-info.ts'
import type { LyskomSession } from '../lyskom/session.ts'
import { existingTexts } from '../lyskom/text-mapping.ts'
import { isRead } from '../lyskom/unread-ranges.ts'
import type { Reply } from '../protocol/calls/index.ts'
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

/**
 * Makes a call on a session that shows the state after a change, and adds the event of the change if it is in force.
 *
 * Messages and replies have an order on one connection only: the reply to a change on another connection may arrive
 * before an earlier message. The reply to the call follows all messages that are earlier than the change. Of changes
 * whose order is unknown, the state shows which one is in force; the others get no event.
 *
 * @param isContested whether another change may be in force by now
 * @param add called before a later message is handled
 * @throws KomError if the person may not see what has changed
 * @throws ConnectionError
 */
export async function checkChange(
  lyskom: LyskomSession,
  change: Change,
  isContested: boolean,
  add: (event: GatewayEvent) => void,
): Promise<void> {
  const { connection, persNo: person } = lyskom
  switch (change.type) {
    case 'linked':
    case 'unlinked':
      return await checkLink(lyskom, change, isContested, add)
    case 'unread':
      return await checkUnread(lyskom, change, add)
    case 'read-ranges':
    case 'unread-set': {
      const { confNo: conference } = change
      const params = { person, conference, wantReadRanges: true, maxRanges: 0 }
      await connection.call('query-read-texts', params, {
        onReply: ({ readRanges }) => add(rangesEvent(change, readRanges)),
      })
      return
    }
    case 'membership': {
      const params = { person, first: 0, noOfConfs: ALL_MEMBERSHIPS, wantReadRanges: false, maxRanges: 0 }
      const onReply = (memberships: Membership[]): void => {
        const event = membershipEvent(change.confNo, memberships)
        if (event !== undefined) add(event)
      }
      await connection.call('get-membership', params, { onReply })
      return
    }
    default:
      if (isContested) await checkContested(lyskom, change, add)
      else await connection.call('get-time', {}, { onReply: () => add(changeEvent(change)) })
  }
}

async function checkLink(
  { connection }: LyskomSession,
  change: LinkChange,
  isContested: boolean,
  add: (event: GatewayEvent) => void,
): Promise<void> {
  let stat: TextStat | undefined
  const onStat = (reply: TextStat): void => {
    stat = reply
  }
  const onReply = (): void => {
    if (stat !== undefined && (!isContested || isLinkInForce(change, stat))) add(changeEvent(change))
  }
  await Promise.all([
    connection.call('get-text-stat', { textNo: change.textNo }, { onReply: onStat }),
    connection.call('get-text-stat', { textNo: change.to }, { onReply }),
  ])
}

/** Checks also whether the text exists: a message that it was deleted may precede the event. */
async function checkUnread(
  { connection, persNo: person }: LyskomSession,
  change: ReadChange,
  add: (event: GatewayEvent) => void,
): Promise<void> {
  const { confNo, localNos } = change
  const [localNo = 0] = localNos
  let isUnread = false
  await Promise.all([
    connection.call(
      'query-read-texts',
      { person, conference: confNo, wantReadRanges: true, maxRanges: 0 },
      {
        onReply: ({ readRanges }) => {
          isUnread = !isRead(readRanges, localNo)
        },
      },
    ),
    connection.call(
      'local-to-global',
      { confNo, firstLocalNo: localNo, noOfExistingTexts: 1 },
      {
        onReply: ({ block }) => {
          const [text] = existingTexts(block)
          if (!isUnread || text?.localNumber !== localNo) return
          add(changeEvent({ ...change, textNos: [text.globalNumber] }))
        },
      },
    ),
  ])
}

async function checkContested(
  { connection, persNo: person }: LyskomSession,
  change: MarkChange | ReadChange,
  add: (event: GatewayEvent) => void,
): Promise<void> {
  if (change.type === 'marked' || change.type === 'unmarked') {
    const onReply = (marks: Reply<'get-marks'>): void => {
      if (isMarkInForce(change, marks)) add(changeEvent(change))
    }
    await connection.call('get-marks', {}, { onReply })
    return
  }
  const params = { person, conference: change.confNo, wantReadRanges: true, maxRanges: 0 }
  await connection.call('query-read-texts', params, {
    onReply: ({ readRanges }) => {
      const remaining = stillRead(change, readRanges)
      if (remaining.localNos.length > 0) add(changeEvent(remaining))
    },
  })
}

function isLinkInForce({ type, to, linkType }: LinkChange, { miscInfo }: TextStat): boolean {
  const isLinked = readMiscInfo(miscInfo).commentTo.some((link) => link.textNo === to && link.type === linkType)
  return isLinked === (type === 'linked')
}

function isMarkInForce(change: MarkChange, marks: Reply<'get-marks'>): boolean {
  const mark = marks.find(({ textNo }) => textNo === change.textNo)
  return change.type === 'marked' ? mark?.type === change.markType : mark === undefined
}

/** Leaves out the texts that have been marked as unread since. */
function stillRead(change: ReadChange, readRanges: Membership['readRanges']): ReadChange {
  const isKept = (i: number) => isRead(readRanges, change.localNos[i] as number)
  return {
    ...change,
    localNos: change.localNos.filter((_, i) => isKept(i)),
    textNos: change.textNos?.filter((_, i) => isKept(i)),
  }
}

/** Returns the event with the texts that are read now: a number of unread texts alone depends on the time. */
function rangesEvent(
  change: Extract<Change, { type: 'read-ranges' | 'unread-set' }>,
  readRanges: Membership['readRanges'],
): GatewayEvent {
  const ranges = readRanges.map(({ firstRead, lastRead }) => ({ first: firstRead, last: lastRead }))
  const fields = { conf_no: change.confNo, ranges }
  if (change.type === 'read-ranges') return { type: 'read', fields }
  return { type: change.type, fields: { ...fields, no_of_unread: change.noOfUnread } }
}

const membershipTypes = jsonMapping(membershipType, 'server')

/** Returns the event with the order of all memberships, because a change of one position shifts others. */
function membershipEvent(confNo: number, memberships: readonly Membership[]): GatewayEvent | undefined {
  const membership = memberships.find(({ conference }) => conference === confNo)
  if (membership === undefined) return undefined
  const { position, priority, type } = membership
  const membership_type = membershipTypes.toJson(type)
  const order = memberships.map(({ conference }) => conference)
  return { type: 'membership', fields: { conf_no: confNo, position, priority, membership_type, order } }
}
