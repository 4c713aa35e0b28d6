import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CALLS, type CallName } from '../../src/protocol/calls/index.ts'
import type { AnyCodec } from '../../src/protocol/codec.ts'
import { readData, readEnvelope, readMessage, readRequest, writeRequest } from '../../src/protocol/envelope.ts'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { Framer } from '../../src/protocol/framer.ts'
import { repetitions } from '../support/repetitions.ts'
import { arbitraryOf } from './arbitraries.ts'
import { FIXTURES, type Fixture } from './fixtures.ts'
import { mutated, mutations, oddity } from './mutations.ts'

const LIMIT = 16 * 1024
const callNames = Object.keys(CALLS) as CallName[]
const replies = callNames.map((name) => CALLS[name].reply as AnyCodec)
const everything = Buffer.concat(FIXTURES.map(({ bytes }) => bytes))

/** Returns the result of `run`, or its `ProtocolError`. Any other error fails the test. */
function attempt<T>(run: () => T): T | ProtocolError {
  try {
    return run()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

/** Frames the chunks as a connection does and reads every message with each of the given codecs. */
function receive(chunks: Iterable<Buffer>, codecs: readonly AnyCodec[], maxBytes = LIMIT): void {
  const framer = new Framer((line) => read(line, codecs), maxBytes)
  attempt(() => {
    for (const chunk of chunks) {
      framer.push(chunk)
      expect(framer.rest().length).toBeLessThanOrEqual(maxBytes)
    }
  })
  expect(framer.rest().length).toBeLessThanOrEqual(maxBytes)
}

function read(line: Buffer, codecs: readonly AnyCodec[]): void {
  attempt(() => {
    const { kind } = readEnvelope(line)
    if (kind === 'error' || kind === 'refusal') return
    for (const codec of codecs) {
      const envelope = readEnvelope(line)
      if (envelope.kind === 'reply') attempt(() => readData(codec, envelope.reader))
      if (envelope.kind === 'message') attempt(() => readMessage(envelope.number, envelope.reader))
    }
  })
}

function framed(chunks: Iterable<Buffer>): Buffer[] {
  const messages: Buffer[] = []
  const framer = new Framer((message) => messages.push(message), 1_000_000)
  for (const chunk of chunks) framer.push(chunk)
  return messages
}

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
}

describe('Framer with split messages', () => {
  it('returns the same messages for each split of each fixture into two', () => {
    for (const { bytes, file } of FIXTURES) {
      for (let at = 0; at <= bytes.length; at++) {
        const messages = framed([bytes.subarray(0, at), bytes.subarray(at)])
        if (messages.length !== 1 || !messages[0]?.equals(bytes)) throw new Error(`${file} split at byte ${at}`)
      }
    }
  })

  it('returns the same messages for random splits of all fixtures', () => {
    const whole = FIXTURES.map(({ bytes }) => bytes)
    const places = fc.array(fc.nat(everything.length), { maxLength: 400 })
    fc.assert(
      fc.property(places, (cuts) => {
        const messages = framed(cutAt(everything, cuts))
        return messages.length === whole.length && messages.every((message, i) => message.equals(whole[i] as Buffer))
      }),
      { numRuns: repetitions(200) },
    )
  })
})

describe('codecs with hostile input', () => {
  const cuts = fc.array(fc.nat(5000), { maxLength: 4 })
  const fixtures = FIXTURES.filter(({ kind }) => kind !== 'greeting')

  it('decode mutated fixtures or throw a ProtocolError', () => {
    fc.assert(
      fc.property(fc.constantFrom(...fixtures), mutations, cuts, ({ bytes, codec }: Fixture, changes, places) => {
        receive(cutAt(mutated(bytes, changes), places), codec === undefined ? replies.slice(0, 1) : [codec])
      }),
      { numRuns: repetitions(5000) },
    )
  })

  it('decode a stream of mutated fixtures or throw a ProtocolError', () => {
    const several = fc.array(fc.constantFrom(...fixtures), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(several, mutations, cuts, (chosen, changes, places) => {
        const bytes = mutated(Buffer.concat(chosen.map((one) => one.bytes)), changes)
        receive(
          cutAt(bytes, places),
          chosen.flatMap(({ codec }) => codec ?? []),
        )
      }),
      { numRuns: repetitions(2000) },
    )
  })

  it('decode replies to other calls or throw a ProtocolError', () => {
    for (const { bytes } of FIXTURES) receive([bytes], replies)
  })

  it('decode truncated messages or throw a ProtocolError', () => {
    for (const { bytes, codec } of FIXTURES) {
      for (let at = 0; at < bytes.length; at++) {
        read(Buffer.concat([bytes.subarray(0, at), Buffer.from('\n')]), codec === undefined ? [] : [codec])
      }
    }
  })

  it('decode random tokens and bytes or throw a ProtocolError', () => {
    const token = fc.oneof(
      oddity,
      fc.constantFrom('1 ', '0 ', '2 { ', '} ', '0 * ', '3Ha\nb ', '0000 ', '00000000 ', '1.5 '),
    )
    const line = fc.tuple(
      fc.constantFrom('=1 ', ':2 15 ', ':0 22 ', '%1 ', '%%', ''),
      fc.array(token, { maxLength: 30 }),
    )
    fc.assert(
      fc.property(line, cuts, fc.constantFrom(...replies), ([start, tokens], places, codec) => {
        receive(cutAt(Buffer.from(`${start}${tokens.join('')}\n`, 'latin1'), places), [codec])
      }),
      { numRuns: repetitions(5000) },
    )
  })

  it('decode mutated requests or throw a ProtocolError', () => {
    fc.assert(
      fc.property(fc.constantFrom(...callNames).chain(requestOf), mutations, (request, changes) => {
        const lines = attempt(() => framed([mutated(request, changes), Buffer.from('\n')]))
        for (const line of lines instanceof ProtocolError ? [] : lines) {
          attempt(() => {
            const { name, reader } = readRequest(line)
            if (name !== undefined) readData(CALLS[name].params as AnyCodec, reader)
          })
        }
      }),
      { numRuns: repetitions(3000) },
    )
  })

  function requestOf(name: CallName): Arbitrary<Buffer> {
    return arbitraryOf(CALLS[name].params.schema, 'client').map((params) => writeRequest(1, name, params as never))
  }

  it('reject deeply nested braces quickly', () => {
    for (const opening of ['1 { ', '{ ', '0 0 { ', '1 { 0 ', '99999 { 0 ']) {
      const line = Buffer.from(`=1 ${opening.repeat(100_000 / opening.length)}\n`)
      for (const codec of replies) read(line, [codec])
    }
  })

  it('reject large messages of tiny tokens quickly', () => {
    const large = (tokens: string) => Buffer.from(`=1 250000 { ${tokens.repeat(250_000)}}\n`)
    for (const tokens of ['0 ', '5 0 ', '0H ', '0 * ']) {
      const line = large(tokens)
      const framer = new Framer(
        (message) => read(message, [CALLS['get-unread-confs'].reply, CALLS['get-marks'].reply]),
        2_000_000,
      )
      framer.push(line)
    }
  })
})

describe('announced lengths', () => {
  it('of 2^31 elements are rejected for every array', () => {
    let rejected = 0
    for (const { bytes, codec, kind } of FIXTURES) {
      if (codec === undefined || kind !== 'reply') continue
      const text = bytes.toString('latin1')
      for (const { index, 0: start } of text.matchAll(/(?<= )\d+(?= \{ )/g)) {
        const line = Buffer.from(`${text.slice(0, index)}2147483648${text.slice(index + start.length)}`, 'latin1')
        const envelope = readEnvelope(line)
        if (envelope.kind !== 'reply') throw new Error(envelope.kind)
        // A match inside a string is not a length, so the message stays readable.
        const value = attempt(() => readData(codec, envelope.reader))
        if (value instanceof ProtocolError) rejected++
      }
    }
    expect(rejected).toBeGreaterThan(50)
  })

  it('of 2 GB are rejected for every string before its first byte', () => {
    for (const { bytes } of FIXTURES) {
      const text = bytes.toString('latin1')
      const at = /(?<= )\d+H/.exec(text)?.index
      if (at === undefined) continue
      const framer = new Framer(() => expect.unreachable(), LIMIT)
      expect(() => framer.push(Buffer.from(`${text.slice(0, at)}2147483648H`, 'latin1'))).toThrow(ProtocolError)
      expect(framer.rest().length).toBeLessThanOrEqual(LIMIT)
    }
  })

  it('never make the framer buffer more than its limit, for any chunks', () => {
    const announcement = fc.nat(3 * LIMIT).map((length) => `=1 ${length}H`)
    const chunk = fc.oneof(
      announcement.map((text) => Buffer.from(text)),
      fc.nat(2 * LIMIT).map((length) => Buffer.alloc(length, 'x')),
      fc.constantFrom(Buffer.from('\n'), Buffer.from('2147483648H'), Buffer.from('%%'), Buffer.from('5')),
      fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    )
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => receive(chunks, replies.slice(0, 1))),
      { numRuns: repetitions(2000) },
    )
  })
})
