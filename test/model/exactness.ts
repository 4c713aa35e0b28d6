import { expect } from 'vitest'
import type { ReceivedEvent } from '../support/event-client.ts'
import { SERVER_TYPES, type Witnessed } from './witness.ts'

/** A position in the events of a session. */
interface Position {
  epoch: string
  n: number
}

/**
 * Expects that a follower has received every event exactly once and in order: within an epoch their numbers have no gap,
 * and a new epoch begins with `person`. A `reset` is right only if the session has changed its person twice while the
 * follower was away.
 *
 * @param received the events of the follower
 * @param uncut the events of the session on one connection
 * @param begin the position after which both began
 */
export function expectExact(received: readonly ReceivedEvent[], uncut: readonly ReceivedEvent[], begin: string): void {
  const epochs = [...new Set([begin, ...uncut.map(({ id }) => id)].map((id) => positionOf(id).epoch))]
  const byId = new Map(uncut.map((event) => [event.id, event]))
  let at = positionOf(begin)
  for (const [i, event] of received.entries()) {
    const next = positionOf(event.id)
    const context = () =>
      `event ${i} after ${at.epoch}-${at.n}: ${JSON.stringify(received.slice(Math.max(0, i - 2), i + 2))}`
    if (event.type === 'reset') {
      expect(event.data, context()).toEqual({ type: 'reset', reason: 'unknown', position: event.id })
      expect(epochs.indexOf(next.epoch) - epochs.indexOf(at.epoch), context()).toBeGreaterThan(1)
    } else if (next.epoch !== at.epoch) {
      expect([event.type, next.n, epochs.indexOf(next.epoch)], context()).toEqual([
        'person',
        1,
        epochs.indexOf(at.epoch) + 1,
      ])
    } else {
      expect(next.n, context()).toBe(at.n + 1)
    }
    // The id of a `reset` is that of the event before. A person's last events may have reached one of the two alone.
    const same = event.type === 'reset' ? event : byId.get(event.id)
    if (same !== undefined || next.epoch === epochs.at(-1)) expect(event, context()).toEqual(same)
    at = next
  }
  expect(received.at(-1)?.id).toBe(uncut.at(-1)?.id)
}

/**
 * Expects that the events of a session are what the LysKOM server has sent to another client of the same person.
 *
 * @param events the events of a session whose person has not changed
 * @param messages what the other client has received
 * @param beginning the message to the person that both received before anything else
 */
export function expectWitnessed(
  events: readonly ReceivedEvent[],
  messages: readonly Witnessed[],
  beginning: string,
): void {
  const types = new Set<string>(SERVER_TYPES)
  const fromServer = events.flatMap(({ type, data: { author: _, recipients: __, ...data } }) =>
    types.has(type) ? [data] : [],
  )
  expect(since(beginning, fromServer)).toEqual(since(beginning, messages))
}

function since(beginning: string, messages: readonly Witnessed[]): readonly Witnessed[] {
  return messages.slice(messages.findIndex(({ message }) => message === beginning))
}

function positionOf(id: string): Position {
  const [epoch = '', n] = id.split('-')
  return { epoch, n: Number(n) }
}
