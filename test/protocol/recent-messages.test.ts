import { describe, expect, it } from 'vitest'
import { type Envelope, readEnvelope } from '../../src/protocol/envelope.ts'
import { RecentMessages } from '../../src/protocol/recent-messages.ts'
import { h, message } from '../support/wire.ts'

const LEAVE_CONF = 8
const SEND_MESSAGE = 12
const UNKNOWN = 99

function read(recent: RecentMessages, bytes: Buffer) {
  return recent.read(bytes, readEnvelope(bytes) as Extract<Envelope, { kind: 'message' }>)
}

/** Reads a message twice, as two sessions do, and returns the second result. */
function readTwice(recent: RecentMessages, bytes: Buffer) {
  read(recent, bytes)
  return read(recent, bytes)
}

describe('RecentMessages', () => {
  it('returns the same object for the same bytes from the second time on, and another for others', () => {
    const recent = new RecentMessages()
    const first = read(recent, message(LEAVE_CONF, 8))
    expect(first).toEqual({ name: 'async-leave-conf', params: { confNo: 8 } })
    const second = read(recent, message(LEAVE_CONF, 8))
    expect(second).toEqual(first)
    expect(second).not.toBe(first)
    expect(read(recent, message(LEAVE_CONF, 8))).toBe(second)
    expect(read(recent, message(LEAVE_CONF, 9))).toEqual({ name: 'async-leave-conf', params: { confNo: 9 } })
    expect(read(recent, message(SEND_MESSAGE, 8, 6, h('hej')))?.name).toBe('async-send-message')
  })

  it('distinguishes bytes that are not ASCII', () => {
    const recent = new RecentMessages()
    for (const text of ['å', 'ä']) {
      expect(readTwice(recent, message(SEND_MESSAGE, 0, 6, h(text)))?.params).toMatchObject({
        message: Buffer.from(text, 'latin1'),
      })
    }
  })

  it('returns undefined for an unknown message, and throws for an unreadable one, each time', () => {
    const recent = new RecentMessages()
    for (let i = 0; i < 2; i++) {
      expect(read(recent, message(UNKNOWN, 8))).toBeUndefined()
      expect(() => read(recent, message(LEAVE_CONF))).toThrow()
    }
  })

  it('forgets the oldest messages, and keeps no large ones', () => {
    const recent = new RecentMessages()
    const [first, last] = [message(LEAVE_CONF, 1), message(LEAVE_CONF, 501)]
    const oldest = readTwice(recent, first)
    for (let confNo = 2; confNo <= 500; confNo++) read(recent, message(LEAVE_CONF, confNo))
    expect(read(recent, first)).toBe(oldest)
    const newest = readTwice(recent, last)
    expect(read(recent, first)).not.toBe(oldest)
    expect(read(recent, last)).toBe(newest)
    const large = message(SEND_MESSAGE, 0, 6, h('x'.repeat(2048)))
    expect(readTwice(recent, large)).not.toBe(read(recent, large))
  })

  it('keeps no more than 256 kB', () => {
    const recent = new RecentMessages()
    const messages = Array.from({ length: 200 }, (_, i) => message(SEND_MESSAGE, i, 6, h('x'.repeat(2000))))
    const values = messages.map((bytes) => readTwice(recent, bytes))
    expect(read(recent, messages[199] as Buffer)).toBe(values[199])
    expect(read(recent, messages[100] as Buffer)).toBe(values[100])
    expect(read(recent, messages[60] as Buffer)).not.toBe(values[60])
  })
})
