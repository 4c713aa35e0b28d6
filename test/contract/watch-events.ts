import { afterAll, expect } from 'vitest'
import { EventClient } from '../support/event-client.ts'
import type { Client, Stage } from './stage.ts'

// biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
type Data = any

const BEGIN = 'the first message'
const END = 'the last message'

/** Returns the index of the event of a broadcast message, -1 if it has not arrived. */
function positionOf({ events }: EventClient, message: string): number {
  return events.findIndex(({ data }: { data: Data }) => data.message === message)
}

/** Returns functions that observe the events of sessions. The streams are closed after the tests of the `describe` block. */
export function watchEvents(stage: Stage) {
  const clients: EventClient[] = []
  afterAll(async () => {
    for (const client of clients) await client.close()
  })

  /** Opens a stream of a session. */
  async function follow({ id }: Client, query = ''): Promise<EventClient> {
    const client = await EventClient.open(`${stage.gateway.url}/kom/sessions/current/events${query}`, { id })
    clients.push(client)
    return client
  }

  /** Returns the data of the events that each session receives because of an action, in order. */
  async function seenByEach<K extends string>(
    sessions: Record<K, Client>,
    action: () => Promise<unknown>,
  ): Promise<Record<K, Data[]>> {
    const { connection } = await stage.author('bob')
    const streams = {} as Record<K, EventClient>
    for (const [name, session] of Object.entries(sessions) as [K, Client][]) streams[name] = await follow(session)
    const broadcast = (message: string) => connection.call('broadcast', { message: Buffer.from(message) })
    // Events of earlier actions may still wait for names.
    await broadcast(BEGIN)
    const all = Object.values<EventClient>(streams)
    for (const stream of all) await expect.poll(() => positionOf(stream, BEGIN)).not.toBe(-1)
    await action()
    await broadcast(END)
    const seen = {} as Record<K, Data[]>
    for (const [name, stream] of Object.entries(streams) as [K, EventClient][]) {
      await expect.poll(() => positionOf(stream, END)).not.toBe(-1)
      await stream.close()
      const actionEvents = stream.events.slice(positionOf(stream, BEGIN) + 1, positionOf(stream, END))
      seen[name] = actionEvents.map(({ type, data }) => {
        expect(data.type).toBe(type)
        return data
      })
    }
    return seen
  }

  /** Returns the data of the events that one session receives because of an action, in order. */
  async function seenBy(session: Client, action: () => Promise<unknown>): Promise<Data[]> {
    return (await seenByEach({ session }, action)).session
  }

  return { follow, seenBy, seenByEach }
}
