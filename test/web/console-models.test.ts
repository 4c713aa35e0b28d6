import { describe, expect, it } from 'vitest'
import { type Sample, summary, withGaps, withNewer } from '../../src/web/console/figures/figures.ts'
import { arrange, nextOrder, type Session } from '../../src/web/console/session-list/arrange.ts'
import { MAX_LINES, matching, TraceLog } from '../../src/web/console/trace/trace-log.ts'
import { manySessions } from '../support/many-sessions.ts'

describe('the order of sessions', () => {
  const [first] = manySessions(1) as [Session]
  const session = (handle: string, more: Partial<Session>): Session => ({ ...first, handle, ...more })
  const handles = (sessions: readonly Session[]) => sessions.map(({ handle }) => handle)

  it('has sessions without a value last, in both directions, and keeps the order of equal ones', () => {
    const sessions = [
      session('a', { pers_no: null }),
      session('b', { pers_no: 10 }),
      session('c', { pers_no: 9 }),
      session('d', { pers_no: 10 }),
    ]
    expect(handles(arrange(sessions, '', { column: 'pers_no', isDescending: false }))).toEqual(['c', 'b', 'd', 'a'])
    expect(handles(arrange(sessions, '', { column: 'pers_no', isDescending: true }))).toEqual(['b', 'd', 'c', 'a'])
    expect(handles(arrange(sessions, '', undefined))).toEqual(['a', 'b', 'c', 'd'])
    expect(handles(sessions)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('has sessions that contain every word of the filter, in any field and case', () => {
    const sessions = [
      session('abc', { client: 'jskom 1.4', server: 'lyskom', address: '192.0.2.1', pers_no: 7 }),
      session('def', { client: 'JSKOM 1.5', server: 'demo', address: '192.0.2.2', pers_no: null }),
    ]
    const found = (filter: string) => handles(arrange(sessions, filter, undefined))
    expect(found('  jskom ')).toEqual(['abc', 'def'])
    expect(found('Jskom lyskom')).toEqual(['abc'])
    expect(found('def 192.0.2')).toEqual(['def'])
    expect(found('7')).toEqual(['abc'])
    expect(found('null')).toEqual([])
  })

  it('is ascending, descending, and then that of the gateway', () => {
    const once = nextOrder(undefined, 'idle')
    const twice = nextOrder(once, 'idle')
    expect([once, twice, nextOrder(twice, 'idle')]).toEqual([
      { column: 'idle', isDescending: false },
      { column: 'idle', isDescending: true },
      undefined,
    ])
    expect(nextOrder(twice, 'calls')).toEqual({ column: 'calls', isDescending: false })
  })
})

describe('the log of a trace', () => {
  const event = (name: string, more: object = {}) =>
    `data: ${JSON.stringify({ direction: 'out', kind: 'call', name, ...more })}\n\n`

  it('has events that arrive in pieces, and the number of those that are missing', () => {
    const log = new TraceLog()
    const text = `: \n\n${event('who-am-i')}event: missed\ndata: {"events":12}\n\n${event('get-time')}`
    for (const character of text) log.feed(character, 5)
    expect(log.lines).toEqual([
      { no: 1, time: 5, event: { direction: 'out', kind: 'call', name: 'who-am-i' } },
      { no: 2, time: 5, missed: 12 },
      { no: 3, time: 5, event: { direction: 'out', kind: 'call', name: 'get-time' } },
    ])
    expect(log.ended).toBeUndefined()
    log.feed('event: end\ndata: {"reason":"shutdown"}\n\n', 6)
    expect([log.ended, log.lines.length]).toEqual(['shutdown', 3])
  })

  it('keeps the newest lines, whose numbers continue after it is cleared', () => {
    const log = new TraceLog()
    for (let n = 0; n < MAX_LINES + 5; n++) log.feed(event(`call-${n}`), n)
    expect([log.lines.length, log.lines[0]?.no, log.lines.at(-1)?.no]).toEqual([MAX_LINES, 6, MAX_LINES + 5])
    log.clear()
    log.feed(event('next'), 1)
    expect(log.lines.map(({ no }) => no)).toEqual([MAX_LINES + 6])
  })

  it('has the newest matching line first', () => {
    const log = new TraceLog()
    log.feed(event('login') + event('login', { kind: 'error', error: 'invalid-password' }) + event('get-time'), 1)
    const names = (filter: string) => matching(log.lines, filter).map(({ no }) => no)
    expect(names('')).toEqual([3, 2, 1])
    expect(names(' LOGIN ')).toEqual([2, 1])
    expect(names('password')).toEqual([2])
  })
})

describe('the samples of figures', () => {
  const at = (time: number, more: Partial<Sample> = {}): Sample => ({
    time,
    sessions: 1,
    requests_per_s: 0,
    request_p50_ms: null,
    request_p99_ms: null,
    call_p50_ms: null,
    call_p99_ms: null,
    loop_p99_ms: 0,
    loop_max_ms: 0,
    memory_bytes: 0,
    heap_bytes: 0,
    limit_hits: 0,
    ...more,
  })
  const MINUTE_MS = 60_000

  it('are those of 15 minutes, each once', () => {
    const samples = withNewer([at(0), at(MINUTE_MS)], [at(MINUTE_MS), at(15 * MINUTE_MS), at(15.5 * MINUTE_MS)])
    expect(samples.map(({ time }) => time / MINUTE_MS)).toEqual([1, 15, 15.5])
    expect(withNewer(samples, [])).toEqual(samples)
  })

  it('have a gap where the gateway was away', () => {
    const [first, second, third] = [at(0), at(10_000), at(20_001)]
    expect(withGaps([first, second, third])).toEqual([first, second, undefined, third])
    expect(withGaps([])).toEqual([])
  })

  it('have a mean and a highest value of the intervals with a value', () => {
    const samples = [at(1, { call_p50_ms: 2 }), at(2), at(3, { call_p50_ms: 4 })]
    expect(summary(samples, 'call_p50_ms')).toEqual({ mean: 3, max: 4 })
    expect(summary(samples, 'call_p99_ms')).toBeNull()
  })
})
