import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventLog, formatPosition, parsePosition } from '../../src/sessions/event-log.ts'
import { EventReader, type ReadEvent } from '../../src/sessions/event-reader.ts'
import { repetitions } from '../support/repetitions.ts'

const MB = 1024 * 1024

/** Returns the JSON of an event that holds a number. */
function data(value: number, padding = 0): string {
  return JSON.stringify({ value, padding: 'x'.repeat(padding) })
}

/** Returns everything that a reader can read now. */
function drain(reader: EventReader): ReadEvent[] {
  const read: ReadEvent[] = []
  for (let events = reader.read(); events.length > 0; events = reader.read()) read.push(...events)
  return read
}

function valuesOf(events: readonly ReadEvent[]): number[] {
  return events.filter(({ type }) => type === 'test').map((event) => JSON.parse(event.data).value as number)
}

function resetsOf(events: readonly ReadEvent[]): string[] {
  return events.filter(({ type }) => type === 'reset').map((event) => JSON.parse(event.data).reason as string)
}

describe('the event log', () => {
  it('returns every event after a position', () => {
    const log = new EventLog()
    const start = log.position
    for (const value of [1, 2, 3]) log.append('test', data(value))
    expect(log.after(start).events?.map(({ data }) => JSON.parse(data).value)).toEqual([1, 2, 3])
    expect(log.after({ ...start, n: 2 }).events?.map(({ data }) => JSON.parse(data).value)).toEqual([3])
    expect(log.after(log.position).events).toEqual([])
  })

  it('drops the oldest events beyond 1,000', () => {
    const log = new EventLog()
    const { epoch } = log.position
    for (let value = 1; value <= 1001; value++) log.append('test', data(value))
    expect(log.after({ epoch, n: 1 }).events).toHaveLength(1000)
    expect(log.after({ epoch, n: 0 })).toEqual({ reset: 'expired', from: { epoch, n: 1001 } })
  })

  it('drops the oldest events beyond 1 MB', () => {
    const log = new EventLog()
    const { epoch } = log.position
    for (let value = 1; value <= 5; value++) log.append('test', data(value, MB / 4))
    expect(log.after({ epoch, n: 1 }).reset).toBe('expired')
    expect(log.after({ epoch, n: 2 }).events).toHaveLength(3)
  })

  it('counts bytes of UTF-8', () => {
    const log = new EventLog()
    const { epoch } = log.position
    for (let value = 1; value <= 3; value++) log.append('test', JSON.stringify({ value, text: 'é'.repeat(MB / 4) }))
    expect(log.after({ epoch, n: 1 }).reset).toBe('expired')
    expect(log.after({ epoch, n: 2 }).events).toHaveLength(1)
  })

  it('loses an event that exceeds 1 MB, and reports an overflow', () => {
    const log = new EventLog()
    const start = log.position
    log.append('test', data(1, MB))
    expect(log.after(start)).toEqual({ reset: 'overflow', from: log.position })
    expect(log.position.epoch).not.toBe(start.epoch)
  })

  it('does not know positions of another log, of the future and of a former epoch but the last', () => {
    const log = new EventLog()
    const { epoch } = log.position
    expect(log.after({ epoch, n: 1 }).reset).toBe('unknown')
    expect(log.after(new EventLog().position).reset).toBe('unknown')
    expect(log.after(undefined).reset).toBe('unknown')
    log.overflow()
    expect(log.after({ epoch, n: 1 }).reset).toBe('unknown')
    expect(log.after({ epoch, n: 0 }).reset).toBe('overflow')
    log.overflow()
    expect(log.after({ epoch, n: 0 }).reset).toBe('unknown')
  })

  it('goes on from the beginning of the epoch after an overflow', () => {
    const log = new EventLog()
    const reader = new EventReader(log)
    log.append('test', data(1))
    log.overflow()
    log.append('test', data(2))
    const read = drain(reader)
    expect(resetsOf(read)).toEqual(['overflow'])
    expect(valuesOf(read)).toEqual([2])
  })

  it('begins a new epoch with an event, and drops the events before it', () => {
    const log = new EventLog()
    const [current, behind] = [new EventReader(log), new EventReader(log)]
    log.append('test', data(1))
    drain(current)
    log.restart('person', JSON.stringify({ type: 'person', pers_no: 6 }))
    log.append('test', data(2))
    expect(drain(current).map(({ type }) => type)).toEqual(['person', 'test'])
    expect(drain(behind).map(({ type }) => type)).toEqual(['person', 'test'])
  })

  it('returns a gap for a position in the former epoch if the first event of this epoch is dropped', () => {
    const log = new EventLog()
    const { position } = log
    log.restart('person', '{}')
    for (let value = 1; value <= 1000; value++) log.append('test', data(value))
    expect(log.after(position)).toEqual({ reset: 'expired', from: log.position })
  })

  it('notifies its readers of every change until they leave, and accepts no event once it is closed', () => {
    const log = new EventLog()
    let changes = 0
    const leave = log.follow(() => changes++)
    log.append('test', data(1))
    log.overflow()
    log.restart('person', '{}')
    log.follow(() => expect(log.isClosed).toBe(true))
    log.close('closed', '{}')
    expect(changes).toBe(4)
    leave()
    log.append('test', data(2))
    log.overflow()
    log.restart('person', '{}')
    log.close('closed', '{}')
    expect(changes).toBe(4)
    expect(log.after({ ...log.position, n: 0 }).events?.map(({ type }) => type)).toEqual(['person', 'closed'])
  })
})

describe('a position', () => {
  it('is the same after formatting and parsing', () => {
    const { position } = new EventLog()
    expect(parsePosition(formatPosition(position))).toEqual(position)
  })

  it('is rejected in any other form', () => {
    const { epoch } = new EventLog().position
    for (const text of [
      '',
      '1',
      `${epoch}`,
      `${epoch}-`,
      `${epoch}--1`,
      `${epoch}-1.5`,
      ` ${epoch}-1`,
      `${epoch}-1\n`,
    ]) {
      expect(parsePosition(text), text).toBeUndefined()
    }
    expect(parsePosition(`${epoch}-${'9'.repeat(16)}`)).toBeUndefined()
    expect(parsePosition('x'.repeat(10_000_000))).toBeUndefined()
  })
})

describe('a reader of the event log', () => {
  it('begins with the next event', () => {
    const log = new EventLog()
    log.append('test', data(1))
    const reader = new EventReader(log)
    log.append('test', data(2))
    expect(valuesOf(drain(reader))).toEqual([2])
  })

  it('reads about 64 kB at a time', () => {
    const log = new EventLog()
    const reader = new EventReader(log)
    for (let value = 1; value <= 10; value++) log.append('test', data(value, 20_000))
    expect(reader.read()).toHaveLength(4)
    expect(drain(reader)).toHaveLength(6)
  })

  it('reads only the selected types, and those that invalidate its state', () => {
    const log = new EventLog()
    const reader = new EventReader(log, { types: new Set(['test']) })
    log.append('other', data(1))
    log.append('test', data(2))
    log.append('other', data(3))
    expect(drain(reader).map(({ type }) => type)).toEqual(['test'])
    expect(reader.position).toBe(formatPosition(log.position))
    log.restart('person', '{}')
    log.append('other', data(4))
    log.close('closed', '{}')
    expect(drain(reader).map(({ type }) => type)).toEqual(['person', 'closed'])
    expect(reader.isDone).toBe(true)
  })

  it('begins with the last event of a log that is closed', () => {
    const log = new EventLog()
    log.append('a', '{}')
    log.close('closed', '{}')
    const reader = new EventReader(log)
    expect([reader.position, reader.isDone]).toEqual([formatPosition({ ...log.position, n: 1 }), false])
    expect(drain(reader).map(({ type }) => type)).toEqual(['closed'])
    expect(reader.isDone).toBe(true)
  })

  it('receives the last event even after a gap', () => {
    const log = new EventLog()
    const reader = new EventReader(log)
    log.overflow()
    log.overflow()
    log.close('closed', '{}')
    expect(drain(reader).map(({ type }) => type)).toEqual(['reset', 'closed'])
    expect(reader.isDone).toBe(true)
  })

  it('receives a reset with the position from which it goes on', () => {
    const log = new EventLog()
    const reader = new EventReader(log, { since: 'nonsense' })
    log.append('test', data(1))
    expect(reader.position).toBe('nonsense')
    expect(reader.read()).toEqual([
      {
        id: formatPosition(log.position),
        type: 'reset',
        data: JSON.stringify({ type: 'reset', reason: 'unknown', position: formatPosition(log.position) }),
      },
    ])
    expect(reader.position).toBe(formatPosition(log.position))
  })

  it('misses no event, repeats none and keeps the order, or receives a reset', () => {
    const step = fc.oneof(
      {
        weight: 20,
        arbitrary: fc.record({ kind: fc.constant('append' as const), size: fc.integer({ max: 100_000, min: 0 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('burst' as const), size: fc.integer({ max: 1200, min: 1 }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('overflow' as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('person' as const) }) },
      { weight: 10, arbitrary: fc.record({ kind: fc.constant('read' as const) }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('cut' as const) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const log = new EventLog()
        let value = 0
        let reader = new EventReader(log)
        let lastId = reader.position
        const received: ReadEvent[] = []
        const receive = (events: ReadEvent[]) => {
          received.push(...events)
          lastId = received.at(-1)?.id ?? lastId
        }
        const append = (size: number) => log.append('test', data(++value, size))
        for (const each of steps) {
          if (each.kind === 'append') append(each.size)
          else if (each.kind === 'burst') for (let i = 0; i < each.size; i++) append(0)
          else if (each.kind === 'overflow') log.overflow()
          else if (each.kind === 'person') log.restart('person', JSON.stringify({ value }))
          else if (each.kind === 'read') receive(reader.read())
          else reader = new EventReader(log, { since: lastId })
        }
        receive(drain(reader))
        let last: number | undefined = 0
        for (const event of received) {
          if (event.type === 'reset') last = undefined
          else if (event.type === 'person') last = JSON.parse(event.data).value as number
          else {
            const next = JSON.parse(event.data).value as number
            if (last === undefined) expect(next).toBeGreaterThan(0)
            else expect(next).toBe(last + 1)
            last = next
          }
        }
        const ids = received.map(({ id }) => id)
        expect(new Set(ids).size).toBe(ids.length)
        expect(lastId).toBe(formatPosition(log.position))
      }),
      { numRuns: repetitions(300) },
    )
  })
})
