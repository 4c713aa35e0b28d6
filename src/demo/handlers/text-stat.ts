import type { MiscInfo } from '../../protocol/types.ts'
import { auxItemsFor } from '../aux-items.ts'
import type { Hub } from '../context.ts'
import type { Text } from '../model.ts'
import { visibleMisc } from '../permissions.ts'
import type { Session } from '../session.ts'

/** Returns the Text-Stat of a text as a session may see it. */
export function textStat(hub: Hub, session: Session, text: Text) {
  return {
    ...head(session, text),
    miscInfo: miscFor(hub, session, text),
    auxItems: auxItemsFor(hub.db, session, text.auxItems),
  }
}

/** Returns the Text-Stat-Old of a text as a session may see it. It has no bcc recipients, so they become cc. */
export function statOld(hub: Hub, session: Session, text: Text) {
  const miscInfo = miscFor(hub, session, text).map((item) =>
    item.kind === 'bcc-recpt' ? { ...item, kind: 'cc-recpt' as const } : item,
  )
  return { ...head(session, text), miscInfo }
}

function head(session: Session, { created, author, lines, body, noOfMarks }: Text) {
  return { creationTime: session.time(created), author, noOfLines: lines, noOfChars: body.length, noOfMarks }
}

function miscFor({ db }: Hub, session: Session, text: Text) {
  return visibleMisc(db, session, text).flatMap((item): MiscInfo[] => {
    const added: MiscInfo[] = [
      ...(item.sentBy === undefined ? [] : [{ kind: 'sent-by' as const, value: item.sentBy }]),
      ...(item.sentAt === undefined ? [] : [{ kind: 'sent-at' as const, value: session.time(item.sentAt) }]),
    ]
    if ('text' in item) return [{ kind: item.kind, value: item.text }, ...added]
    return [{ kind: item.kind, value: item.conf }, { kind: 'loc-no', value: item.localNo }, ...added]
  })
}
