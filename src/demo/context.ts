import type { CallName, Params, Reply } from '../protocol/calls/index.ts'
import type { MessageName, MessageParams } from '../protocol/messages.ts'
import type { Database } from './database.ts'
import type { Text } from './model.ts'
import type { Session } from './session.ts'

/** State that all sessions of one server share. */
export interface Hub {
  readonly db: Database
  readonly startedAt: Date
  /** Number of objects and highest numbers at server start (get-boottime-info). */
  readonly boot: { texts: number; highestText: number; confs: number; persons: number; highestConf: number }
  /** Session number -> session, in order of connection. */
  readonly sessions: ReadonlyMap<number, Session>
  /** Logs a session out and closes its connection. */
  disconnect(session: Session): void
}

/** Argument of a handler: the server state and the session that sent the request. */
export interface Context extends Hub {
  readonly session: Session
  /** Schedules `action` to run after the reply has been written. */
  afterReply(action: () => void): void
}

/** The handlers by call. A handler returns the reply or throws a `KomError`, which is sent as an error reply. */
export type Handlers = {
  readonly [N in CallName]: (context: Context, params: Params<N>) => Reply<N> extends undefined ? void : Reply<N>
}

/**
 * Sends an asynchronous message to every session that accepts it and for which `to` returns true.
 *
 * @param params returns the message parameters for one session
 * @returns the number of sessions to which the message was sent
 */
export function notifySessions<N extends MessageName>(
  hub: Hub,
  name: N,
  params: (session: Session) => MessageParams<N>,
  to: (session: Session) => boolean = () => true,
): number {
  let sent = 0
  for (const session of hub.sessions.values()) {
    if (session.accepts(name) && to(session) && session.notify(name, params(session))) sent++
  }
  return sent
}

/**
 * Returns the numbers of the persons to notify of changes of a text: active members of its recipients, and of the
 * recipients of the texts that are linked to it as comments or footnotes, in either direction.
 */
export function personsToNotify(db: Database, text: Text): Set<number> {
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
    const linked = 'text' in item ? db.texts.get(item.text) : undefined
    if (linked !== undefined) add(linked)
  }
  return persons
}
