import type { CallName, Params, Reply } from '../protocol/calls/index.ts'
import type { MessageName, MessageParams } from '../protocol/messages.ts'
import type { Database } from './database.ts'
import type { Text } from './model.ts'
import type { Session } from './session.ts'

/** What the sessions of one server share. */
export interface Hub {
  readonly db: Database
  readonly startedAt: Date
  /** Facts of the moment the server started (get-boottime-info). */
  readonly boot: { texts: number; highestText: number; confs: number; persons: number; highestConf: number }
  /** In the order of connecting. */
  readonly sessions: ReadonlyMap<number, Session>
  /** Logs a session out and closes its line. */
  disconnect(session: Session): void
}

/** What a handler gets: the server, and who asks. */
export interface Context extends Hub {
  readonly session: Session
  /** Does something once the reply has been written. */
  afterReply(action: () => void): void
}

/** How each call is answered; a handler throws a `KomError` to refuse. */
export type Handlers = {
  readonly [N in CallName]: (context: Context, params: Params<N>) => Reply<N> extends undefined ? void : Reply<N>
}

/** Tells every session that `to` chooses, among those that accept the message; returns how many were told. */
export function tell<N extends MessageName>(
  hub: Hub,
  name: N,
  params: (session: Session) => MessageParams<N>,
  to: (session: Session) => boolean = () => true,
): number {
  let told = 0
  for (const session of hub.sessions.values()) {
    if (session.accepts(name) && to(session) && session.notify(name, params(session))) told++
  }
  return told
}

/** Everyone whom a text concerns: active members of its recipients, and of the recipients of what it comments. */
export function concerned(db: Database, text: Text): Set<number> {
  const persons = new Set<number>()
  const add = (from: Text): void => {
    for (const item of from.misc) {
      if ('text' in item) continue
      for (const { person, type } of db.conferences.get(item.conf)?.members.values() ?? []) {
        if (!type.passive) persons.add(person)
      }
    }
  }
  add(text)
  for (const item of text.misc) {
    const linked = item.kind === 'comm-to' || item.kind === 'footn-to' ? db.texts.get(item.text) : undefined
    if (linked !== undefined) add(linked)
  }
  return persons
}
