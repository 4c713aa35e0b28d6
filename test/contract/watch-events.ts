import { afterAll, expect } from 'vitest'
import { EventClient } from '../support/event-client.ts'
import type { Client, Stage } from './stage.ts'

// biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
type Data = any

const END = 'the last message'

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
    for (const [name, session] of Object.entries(sessions) as [K, Client][]) {
      // The reply follows the messages about what was done before.
      await session.get('/sessions/current/who-am-i')
      streams[name] = await follow(session)
    }
    await action()
    await connection.call('broadcast', { message: Buffer.from(END) })
    const isLast = ({ data }: { data: Data }) => data.message === END
    const seen = {} as Record<K, Data[]>
    for (const [name, stream] of Object.entries(streams) as [K, EventClient][]) {
      await expect.poll(() => stream.events.some(isLast)).toBe(true)
      await stream.close()
      seen[name] = stream.events
        .filter((event) => !isLast(event))
        .map(({ type, data }) => {
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
