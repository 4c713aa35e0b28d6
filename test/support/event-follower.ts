import { EventClient, type ReceivedEvent } from './event-client.ts'
import { EventWebSocket } from './event-websocket.ts'
import type { TestGateway } from './gateway.ts'

/** A client that follows the events of a session. */
export interface EventFollower {
  /** the events received so far */
  readonly events: readonly ReceivedEvent[]
  /** the position to resume from */
  readonly position: string
  /** resolves when the stream or the WebSocket has ended */
  readonly ended: Promise<unknown>
  /** Resolves with the first `count` events. Rejects if there are no more. */
  first(count: number): Promise<ReceivedEvent[]>
  /** Disconnects. */
  close(): Promise<void>
}

type Follow = (gateway: TestGateway, id: string, since?: string) => Promise<EventFollower>

/** The ways to follow the events of a session of the server `kom`; each resolves when no event is missed from then on. */
export const TRANSPORTS: readonly (readonly [name: string, follow: Follow])[] = [
  ['server-sent events', followStream],
  ['a WebSocket', followOnWebSocket],
]

async function followStream(gateway: TestGateway, id: string, since?: string): Promise<EventFollower> {
  const headers = since === undefined ? {} : { 'Last-Event-ID': since }
  const client = await EventClient.open(`${gateway.url}/kom/sessions/current/events`, { id, headers })
  const { status } = client.response
  if (status !== 200) throw new Error(`the stream is answered with ${status}`)
  return {
    events: client.events,
    get position() {
      return client.lastEventId === '' ? (since ?? '') : client.lastEventId
    },
    ended: client.ended,
    first: (count) => client.first(count),
    close: () => client.close(),
  }
}

async function followOnWebSocket(gateway: TestGateway, id: string, since?: string): Promise<EventFollower> {
  const client = await EventWebSocket.open(gateway.url, id)
  const { reply, error } = await client.request(since === undefined ? {} : { since })
  if (reply === undefined) throw new Error(`the events are refused: ${error}`)
  return {
    events: client.events,
    get position() {
      return client.events.at(-1)?.id ?? reply.position
    },
    ended: client.ended,
    first: (count) => client.first(count),
    close: () => client.close(),
  }
}
