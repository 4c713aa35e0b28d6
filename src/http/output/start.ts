/** Conversion of a start to the public JSON of `schemas/`. */
import type { Start } from '../../lyskom/start.ts'
import { markJson, membershipJson, numberedUnreadJson, personJson, serverInfoJson, textJson } from './json.ts'
import { onlineSessionJson } from './reading.ts'
import type * as Json from './schemas/index.ts'

/** Converts a start. @param position the position in the event log */
export function startJson(start: Start, position: string): Json.Start {
  const { sessionNo, person, server, memberships, unread, marks, sessions, texts } = start
  return {
    position,
    session: { session_no: sessionNo },
    person: personJson(person),
    ...(server && { server: serverInfoJson(server) }),
    ...(memberships && { memberships: memberships.map(membershipJson) }),
    ...(unread && { unread: unread.map(numberedUnreadJson) }),
    ...(marks && { marks: marks.map(markJson) }),
    ...(sessions && { sessions: sessions.map(onlineSessionJson) }),
    texts: Object.fromEntries(texts.map((text) => [text.head.textNo, textJson(text)])),
  }
}
