import type { Names } from '../lyskom/names.ts'
import type { AsyncMessage } from '../protocol/messages.ts'
import { type LoggedEvent, loggedEvent } from './event-log.ts'
import { eventType, messageData, namedBy } from './event-types.ts'

/** An event with the names that it contains. */
interface SharedEvent {
  readonly event: LoggedEvent
  readonly names: readonly (readonly [no: number, name: string])[]
}

/** The event that was made last for each message. `RecentMessages` gives sessions that receive the same bytes one message. */
const made = new WeakMap<AsyncMessage, SharedEvent>()

/**
 * Returns the event for a message with the names that a session has cached; undefined if it has not cached all. Sessions
 * to which the same persons and conferences have the same names share the event.
 * @throws ProtocolError `over-bound` if the names are too long in all
 */
export function eventWithCachedNames(message: AsyncMessage, names: Names): LoggedEvent | undefined {
  const known = made.get(message)
  if (known?.names.every(([no, name]) => names.isCached(no, name))) return known.event
  const numbers = namedBy(message)
  const table = names.cached(numbers)
  if (table === undefined) return undefined
  const event = loggedEvent(eventType(message.name), messageData(message, table))
  const persons = [...new Set(numbers)].filter((no) => no !== 0)
  made.set(message, { event, names: persons.map((no) => [no, table.conference(no).name]) })
  return event
}
