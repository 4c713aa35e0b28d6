/** A session, as `GET /admin/sessions` lists it. */
export interface Session {
  handle: string
  server: string
  session_no: number
  /** null for an anonymous session */
  pers_no: number | null
  client: string
  address: string
  /** seconds */
  idle: number
  calls: number
  /** seconds; null while a stream is open */
  lease: number | null
}

/** The fields by which the list can be sorted. */
export const COLUMNS = ['server', 'pers_no', 'client', 'address', 'idle', 'lease', 'calls', 'handle'] as const
/** A field by which the list can be sorted. */
export type Column = (typeof COLUMNS)[number]

/** An order of the list. */
export interface Order {
  column: Column
  isDescending: boolean
}

/** A person on a server. */
export interface PersonKey {
  server: string
  persNo: number
}

/** Returns whether a person is logged in on a session. */
export function isOf({ server, pers_no }: Session, person: PersonKey): boolean {
  return server === person.server && pers_no === person.persNo
}

/**
 * Returns the sessions in which every word of a filter occurs, in an order. Sessions without a value come last.
 * @param order undefined for the order of the gateway: oldest first
 */
export function arrange(sessions: readonly Session[], filter: string, order: Order | undefined): readonly Session[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  const found = words.length === 0 ? sessions : sessions.filter((session) => hasWords(session, words))
  if (order === undefined) return found
  const { column, isDescending } = order
  const sign = isDescending ? -1 : 1
  // Not `localeCompare`, which takes a second for 20,000 sessions.
  return [...found].sort((a, b) => {
    const [left, right] = [a[column], b[column]]
    if (left === right) return 0
    if (left === null) return 1
    if (right === null) return -1
    return left < right ? -sign : sign
  })
}

function hasWords({ handle, server, pers_no, client, address }: Session, words: readonly string[]): boolean {
  const text = `${handle} ${server} ${pers_no ?? ''} ${client} ${address}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

/** Returns the order after a click on the head of a column: ascending, descending, then that of the gateway. */
export function nextOrder(order: Order | undefined, column: Column): Order | undefined {
  if (order?.column !== column) return { column, isDescending: false }
  return order.isDescending ? undefined : { column, isDescending: true }
}
