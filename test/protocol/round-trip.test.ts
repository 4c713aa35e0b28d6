import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CALLS, type CallName, type Params, type Reply } from '../../src/protocol/calls/index.ts'
import type { AnyCodec } from '../../src/protocol/codec.ts'
import {
  readData,
  readEnvelope,
  readMessage,
  readRequest,
  writeMessage,
  writeReply,
  writeRequest,
} from '../../src/protocol/envelope.ts'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { Framer } from '../../src/protocol/framer.ts'
import { MESSAGES, type MessageName, type MessageParams } from '../../src/protocol/messages.ts'
import { repetitions } from '../support/repetitions.ts'
import { arbitraryOf } from './arbitraries.ts'

const callNames = Object.keys(CALLS) as CallName[]
const messageNames = Object.keys(MESSAGES) as MessageName[]

function framed(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = []
  new Framer((message) => messages.push(message), 1_000_000).push(bytes)
  return messages
}

describe('codecs', () => {
  const runs = { numRuns: 25 }

  it.each(callNames)('read the parameters of %s as they were written', (name) => {
    const { params, number } = CALLS[name]
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), arbitraryOf(params.schema, 'client'), (refNo, value) => {
        const [line] = framed(writeRequest(refNo, name, value as Params<CallName>)) as [Buffer]
        const request = readRequest(line)
        expect([request.refNo, request.name]).toEqual([refNo, name])
        expect(Number(line.toString('latin1').split(/[ \n]/)[1])).toBe(number)
        expect(readData(params as AnyCodec, request.reader)).toStrictEqual(value)
      }),
      runs,
    )
  })

  it.each(callNames)('read the reply to %s as it was written', (name) => {
    const { reply } = CALLS[name]
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), arbitraryOf(reply.schema, 'server'), (refNo, value) => {
        const [line] = framed(writeReply(refNo, name, value as Reply<CallName>)) as [Buffer]
        const envelope = readEnvelope(line)
        if (envelope.kind !== 'reply') throw new Error(envelope.kind)
        expect(envelope.refNo).toBe(refNo)
        expect(readData(reply as AnyCodec, envelope.reader)).toStrictEqual(value)
      }),
      runs,
    )
  })

  it.each(messageNames)('read the message %s as it was written', (name) => {
    fc.assert(
      fc.property(arbitraryOf(MESSAGES[name].params.schema, 'server'), (params) => {
        const [line] = framed(writeMessage(name, params as MessageParams<MessageName>)) as [Buffer]
        const envelope = readEnvelope(line)
        if (envelope.kind !== 'message') throw new Error(envelope.kind)
        expect(readMessage(envelope.number, envelope.reader)).toStrictEqual({ name, params })
      }),
      runs,
    )
  })
})

describe('values of the wrong type', () => {
  const garbage = fc.constantFrom<unknown>(
    ...[undefined, null, -1, 1.5, 2 ** 32, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, true, 'x', '☃', '5', {}, []],
    ...[
      [[]],
      [undefined],
      { kind: 'x' },
      { kind: 'recpt' },
      Object.assign([], { omitted: 3 }),
      Object.assign([1], { omitted: -1 }),
    ],
    ...[{ length: 2 }, new Date(0), Buffer.from('x'), new Uint16Array(2), () => 5, Symbol('x'), 5n],
  )

  /** Replaces one part of a value, at any depth. */
  function spoiled(value: unknown, choice: number, replacement: unknown): unknown {
    const parts = typeof value === 'object' && value !== null && !Buffer.isBuffer(value) ? Object.entries(value) : []
    const chosen = parts[choice % (parts.length + 1)]
    if (chosen === undefined) return replacement
    const [key, part] = chosen
    const copy: Record<string, unknown> = Array.isArray(value) ? Object.assign([], value) : Object.assign({}, value)
    copy[key] = spoiled(part, Math.floor(choice / (parts.length + 1)), replacement)
    return copy
  }

  /** Writes a request. Returns undefined if it was rejected with a `ProtocolError` with code `unwritable`. */
  function written(name: CallName, params: unknown): Buffer | undefined {
    try {
      return writeRequest(1, name, params as Params<CallName>)
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError)
      expect(error).toHaveProperty('code', 'unwritable')
      return undefined
    }
  }

  it('throw a ProtocolError, or become a readable request', () => {
    const request = fc
      .constantFrom(...callNames)
      .chain((name) => fc.record({ name: fc.constant(name), params: arbitraryOf(CALLS[name].params.schema, 'client') }))
    fc.assert(
      fc.property(request, fc.nat(), garbage, ({ name, params }, choice, replacement) => {
        const line = written(name, spoiled(params, choice, replacement))
        if (line === undefined) return
        expect(framed(line)).toEqual([line])
        const read = readRequest(line)
        expect(read.name).toBe(name)
        readData(CALLS[name].params as AnyCodec, read.reader)
      }),
      { numRuns: repetitions(5000) },
    )
  })
})
