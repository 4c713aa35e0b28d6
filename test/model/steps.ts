import fc from 'fast-check'
import type { Cut } from '../support/cut-follower.ts'

/** What a step does. `world.ts` describes each kind. */
export const KINDS = [
  'write',
  'comment',
  'footnote',
  'delete-text',
  'add-recipient',
  'sub-recipient',
  'change-aux-items',
  'read-text',
  'read-locals',
  'unread-text',
  'set-unread',
  'set-last-read',
  'set-read-ranges',
  'mark',
  'unmark',
  'link',
  'unlink',
  'join',
  'leave',
  'invite',
  'expel',
  'set-membership-type',
  'rename-conference',
  'rename-person',
  'set-presentation',
  'message',
  'work-in',
  'login',
  'logout',
] as const
export type Kind = (typeof KINDS)[number]

/** How a session sends a request: by its own route, as a typed call, in a batch, or on the WebSocket. */
export const CHANNELS = ['route', 'call', 'batched route', 'batched call', 'WebSocket calls', 'WebSocket a'] as const
export type Channel = (typeof CHANNELS)[number]

/** One action of one actor. The numbers select texts, conferences, persons and the like. */
export interface Step {
  /** index of a session; the number of sessions for the client of Protocol A */
  who: number
  kind: Kind
  channel: Channel
  a: number
  b: number
  c: number
}

/** A run of the model test. */
export interface Plan {
  /** steps of one group are sent without waiting for each other */
  groups: Step[][]
  /** the cuts of each follower; its last connection is not cut */
  cuts: Cut[][]
}

/**
 * A failure depends on the timing of its run, so that shorter plans rarely fail. To search for them would take longer than
 * the time limit of the test, whose report would then hide the failure.
 */
export const WITHOUT_SHRINKING = { endOnFailure: true } as const

/** What the client of Protocol A does: all of it is reported to the sessions that it concerns. */
const REPORTED: readonly Kind[] = [
  'write',
  'comment',
  'delete-text',
  'add-recipient',
  'sub-recipient',
  'change-aux-items',
  'invite',
  'expel',
  'rename-conference',
  'set-presentation',
  'message',
]

/** What two sessions of a person change at the same time. The events describe these changes completely. */
const CONTENDED: readonly Kind[] = ['read-locals', 'unread-text', 'mark', 'unmark']

const WEIGHTS: Partial<Record<Kind, number>> = { write: 5, comment: 4, 'read-text': 3, link: 3, logout: 1, login: 1 }

/** @param sessions number of sessions @param followers number of followers */
export function plans(sessions: number, followers: number): fc.Arbitrary<Plan> {
  const number = fc.nat(30)
  const rest = { channel: fc.constantFrom(...CHANNELS), a: number, b: number, c: number }
  const kinds = fc.oneof(...KINDS.map((kind) => ({ arbitrary: fc.constant(kind), weight: WEIGHTS[kind] ?? 2 })))
  const step = fc.oneof(
    { arbitrary: fc.record({ who: fc.nat(sessions - 1), kind: kinds, ...rest }), weight: 4 },
    { arbitrary: fc.record({ who: fc.constant(sessions), kind: fc.constantFrom(...REPORTED), ...rest }), weight: 1 },
  )
  const steps = fc.array(step, { minLength: 1, maxLength: 6, size: 'max' })
  const cut = fc.record({
    transport: fc.constantFrom('SSE' as const, 'WebSocket' as const),
    how: fc.constantFrom('reset' as const, 'end' as const, 'leave' as const),
    bytes: fc.nat(3000),
    delayMs: fc.constantFrom(0, 0, 1, 5),
  })
  const groups = fc.array(steps, { minLength: 1, maxLength: 20, size: 'max' })
  return fc.record({
    groups: fc.tuple(groups, endings()).map(([first, last]) => [...first, ...last]),
    cuts: fc.array(fc.array(cut, { maxLength: 6, size: 'max' }), { minLength: followers, maxLength: followers }),
  })
}

/**
 * What the first two sessions, which have the same person, do last: a request for the whole state after one of its events
 * would hide that they are in the wrong order. One session writes a text and reads it before the other one has its event.
 * Then both change the same.
 */
function endings(): fc.Arbitrary<Step[][]> {
  const contention = fc.array(fc.constantFrom(...CONTENDED), { minLength: 2, maxLength: 4 })
  return fc.record({ kinds: contention, b: fc.nat(3), c: fc.nat(30) }).map(({ kinds, b, c }) => {
    const step = { a: 0, b, c, channel: 'call' as const }
    return [
      [{ ...step, who: 0, kind: 'write' }],
      [{ ...step, who: 0, kind: 'read-text', channel: 'route' }],
      kinds.map((kind, i): Step => ({ ...step, who: i % 2, kind })),
    ]
  })
}
