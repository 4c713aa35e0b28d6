import type { KomEvent, OnlineSession } from 'komgate/client'
import { describe, expect, it } from 'vitest'
import { idleTime } from '../../src/web/reader/online/idle.ts'
import { Presence, type PresenceSource } from '../../src/web/reader/online/presence.ts'

const NAMES: Record<number, string> = { 6: 'Alice', 7: 'Bob', 12: 'Coffee' }
const ALICE: OnlineSession = {
  session_no: 1,
  person: { pers_no: 6, pers_name: 'Alice' },
  working_conference: null,
  idle: 60,
  client: { name: 'jskom', version: '1' },
  what_am_i_doing: '',
  address: 'localhost',
}

/** The parts of the reader that a `Presence` uses. */
class Source {
  requests: string[] = []
  emit: (event: Partial<KomEvent>) => void = () => undefined
  /** answers the requests for the sessions */
  answers: ((sessions: OnlineSession[]) => void)[] = []

  readonly asSource = {
    kom: {
      sessions: {
        list: () => {
          this.requests.push('list')
          return new Promise((resolve) => this.answers.push((sessions) => resolve({ sessions })))
        },
      },
      call: (name: string) => {
        this.requests.push(name)
        return Promise.resolve(name === 'get-static-session-info' ? { hostname: 'far' } : 'client')
      },
    },
    names: { of: (conf_no: number) => Promise.resolve({ conf_no, name: NAMES[conf_no] ?? '' }) },
    onEvent: (listener: (event: KomEvent) => void) => {
      this.emit = listener as typeof this.emit
      return () => undefined
    },
  } as unknown as PresenceSource
}

const settled = () => new Promise((resolve) => setImmediate(resolve))
const brief = ({ sessions }: Presence) =>
  sessions.value?.map(({ session_no, person, working_conference, what_am_i_doing }) => [
    session_no,
    person.pers_name,
    working_conference?.name ?? null,
    what_am_i_doing,
  ])

/** Returns a presence whose sessions are there. */
async function presenceOf(...sessions: OnlineSession[]) {
  const source = new Source()
  const presence = new Presence(source.asSource)
  source.answers[0]?.(sessions)
  await settled()
  return { source, presence }
}

describe('who is on', () => {
  it('is requested once, and events keep it current', async () => {
    const { source, presence } = await presenceOf(ALICE)
    expect(brief(presence)).toEqual([[1, 'Alice', null, '']])
    source.emit({ type: 'login', session_no: 2, pers_no: 7 })
    await settled()
    expect(brief(presence)).toEqual([
      [2, 'Bob', null, ''],
      [1, 'Alice', null, ''],
    ])
    expect(presence.sessions.value?.[0]).toMatchObject({ client: { name: 'client' }, address: 'far' })
    const info = { session: 1, person: 6, working_conference: 12, what_am_i_doing: 'Reads', username: '' }
    source.emit({ type: 'i-am-on', info })
    await settled()
    expect(brief(presence)).toContainEqual([1, 'Alice', 'Coffee', 'Reads'])
    source.emit({ type: 'new-name', conf_no: 12, old_name: 'Coffee', new_name: 'Tea' })
    expect(brief(presence)).toContainEqual([1, 'Alice', 'Tea', 'Reads'])
    source.emit({ type: 'logout', session_no: 1, pers_no: 6 })
    expect(brief(presence)).toEqual([[2, 'Bob', null, '']])
    expect(source.requests.filter((each) => each === 'list')).toHaveLength(1)
  })

  it('is about one person if there is one', async () => {
    const source = new Source()
    const presence = new Presence(source.asSource, 7)
    source.answers[0]?.([ALICE])
    source.emit({ type: 'login', session_no: 2, pers_no: 7 })
    source.emit({ type: 'login', session_no: 3, pers_no: 6 })
    const info = { session: 3, person: 6, working_conference: 12, what_am_i_doing: '', username: '' }
    source.emit({ type: 'i-am-on', info })
    await settled()
    await settled()
    expect(brief(presence)).toEqual([[2, 'Bob', null, '']])
    expect(source.requests.filter((each) => each === 'get-client-name')).toHaveLength(1)
  })

  it('applies events that come before the response after it', async () => {
    const source = new Source()
    const presence = new Presence(source.asSource)
    source.emit({ type: 'logout', session_no: 1, pers_no: 6 })
    source.answers[0]?.([ALICE])
    await settled()
    expect(brief(presence)).toEqual([])
  })

  it('shows a session that it does not know when it moves, and requests all again after a gap', async () => {
    const { source, presence } = await presenceOf()
    const info = { session: 3, person: 7, working_conference: 12, what_am_i_doing: '', username: '' }
    source.emit({ type: 'i-am-on', info })
    await settled()
    await settled()
    expect(brief(presence)).toEqual([[3, 'Bob', 'Coffee', '']])
    source.emit({ type: 'reset', reason: 'overflow', position: 'x-1' })
    source.answers[1]?.([ALICE])
    await settled()
    expect(brief(presence)).toEqual([[1, 'Alice', null, '']])
  })
})

it.each([
  [59, undefined, undefined],
  [60, '1 minute', '1 minut'],
  [3599, '59 minutes', '59 minuter'],
  [7200, '2 hours', '2 timmar'],
  [200_000, '2 days', '2 dygn'],
])('says %i seconds as "%s" and "%s"', (seconds, english, swedish) => {
  expect([idleTime(seconds, 'en'), idleTime(seconds, 'sv')]).toEqual([english, swedish])
})
