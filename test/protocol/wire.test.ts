import { describe, expect, it } from 'vitest'
import { CALLS, type CallName, callName, type Reply } from '../../src/protocol/calls/index.ts'
import type { AnyCodec, Infer } from '../../src/protocol/codec.ts'
import {
  readData,
  readEnvelope,
  readMessage,
  writeError,
  writeMessage,
  writeReply,
} from '../../src/protocol/envelope.ts'
import { ERRORS, KomError, ProtocolError } from '../../src/protocol/errors.ts'
import { Framer } from '../../src/protocol/framer.ts'
import { MESSAGES, type MessageName, type MessageParams } from '../../src/protocol/messages.ts'
import type { textStat } from '../../src/protocol/types.ts'
import { bytesOf, FIXTURES, type Fixture, UNREACHED } from './fixtures.ts'

const HOSTILE = 'a\nb\0c {1} 2 * 5H%%\n%1 2 3\n=4 5H:3 12\n\xe5\xe4\xf6 \xff '

/** Returns the selected fixtures with their file names, which `it.each` puts into the titles. */
function labelled(wanted: (fixture: Fixture) => boolean): [string, Fixture][] {
  return FIXTURES.filter(wanted).map((fixture) => [fixture.file, fixture])
}

function framed(chunks: Iterable<Buffer>): Buffer[] {
  const messages: Buffer[] = []
  const framer = new Framer((message) => messages.push(message), 1_000_000)
  for (const chunk of chunks) framer.push(chunk)
  expect(framer.partial).toBe(false)
  return messages
}

function* singly(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1)
}

/** Reads a message to its end, and writes the values again. */
function rewritten({ bytes, number }: Fixture): Buffer {
  const envelope = readEnvelope(bytes)
  switch (envelope.kind) {
    case 'reply': {
      const name = callName(number) as CallName
      return writeReply(envelope.refNo, name, readData(CALLS[name].reply as AnyCodec, envelope.reader))
    }
    case 'message': {
      const message = readMessage(envelope.number, envelope.reader)
      if (message === undefined) throw new Error(`unknown message ${envelope.number}`)
      return writeMessage(message.name, message.params as MessageParams<MessageName>)
    }
    case 'error':
      return writeError(envelope.refNo, new KomError(envelope.errorCode, envelope.errorStatus))
    case 'refusal':
      throw new Error('there is no writer for refusals')
  }
}

/**
 * Replaces floats in the format of lyskomd by the format of `Writer`, outside strings. lyskomd writes small floats with
 * an exponent, `3.5e-05`; `Writer` does so only from the seventh decimal on. Everything else is equal byte by byte: one
 * space between tokens, `0 *` for an empty array, `0 * *` for an empty Conf-List-Archaic.
 */
function normalised(bytes: Buffer): string {
  return betweenStrings(bytes.toString('latin1'), (tokens) =>
    tokens.replace(/(?<= )\d[\d.]*e[-+]\d+(?= )/g, (float) => String(Number(float))),
  )
}

function betweenStrings(text: string, change: (tokens: string) => string): string {
  const start = /(?<!\d)(\d+)H/.exec(text)
  if (start === null) return change(text)
  const content = start.index + start[0].length
  const end = content + Number(start[1])
  return `${change(text.slice(0, content))}${text.slice(content, end)}${betweenStrings(text.slice(end), change)}`
}

/** Returns labels of all calls, messages and errors, e.g. `call 3 change-name`. */
function all(): string[] {
  const label = (kind: string) => (entry: [string, { number: number }]) => `${kind} ${entry[1].number} ${entry[0]}`
  return [
    ...Object.entries(CALLS).map(label('call')),
    ...Object.entries(MESSAGES).map(label('message')),
    ...Object.entries(ERRORS).map(([name, code]) => `error ${code} ${name}`),
  ]
}

describe('recorded messages of lyskomd', () => {
  it('cover every call, message and error except those that fixtures/wire/README.md lists', () => {
    const seen = new Set(FIXTURES.map(({ kind, number }) => `${kind === 'reply' ? 'call' : kind} ${number}`))
    const missing = all().filter((label) => !seen.has(label.split(' ').slice(0, 2).join(' ')))
    expect(new Set(missing)).toEqual(new Set(UNREACHED))
    expect(missing.filter((label) => label.startsWith('call'))).toEqual([])
    expect(missing.filter((label) => label.startsWith('message')).length).toBe(3)
  })

  it.each(labelled(() => true))('Framer reads %s as one message, whole and byte by byte', (_, { bytes }) => {
    expect(framed([bytes])).toEqual([bytes])
    expect(framed(singly(bytes))).toEqual([bytes])
  })

  it('are separated by Framer when they arrive as one chunk and byte by byte', () => {
    const messages = FIXTURES.map(({ bytes }) => bytes)
    expect(framed([Buffer.concat(messages)])).toEqual(messages)
    expect(framed(singly(Buffer.concat(messages)))).toEqual(messages)
  })

  it.each(labelled(({ kind }) => kind !== 'greeting'))(
    'readEnvelope reads the kind and the number of %s',
    (_, fixture) => {
      const envelope = readEnvelope(fixture.bytes)
      expect(envelope.kind).toBe(fixture.kind)
      if (envelope.kind === 'message') expect(envelope.number).toBe(fixture.number)
      if (envelope.kind === 'error') expect(envelope.errorCode).toBe(fixture.number)
    },
  )

  const readable = labelled(({ kind }) => kind !== 'greeting' && kind !== 'refusal')
  it.each(readable)('the codecs read %s and write it unchanged after normalization', (_, fixture) => {
    expect(rewritten(fixture).toString('latin1')).toBe(normalised(fixture.bytes))
  })

  it('are written unchanged without normalization, except floating point numbers', () => {
    const differing = readable.filter(([, fixture]) => !rewritten(fixture).equals(fixture.bytes))
    expect(differing.filter(([, { number }]) => callName(number) !== 'get-stats')).toEqual([])
  })

  it('include a greeting, which readEnvelope rejects', () => {
    expect(bytesOf('greeting').toString()).toBe('LysKOM\n')
    expect(() => readEnvelope(bytesOf('greeting'))).toThrow(ProtocolError)
  })

  it('keep their strings when they are normalized', () => {
    const text = normalised(Buffer.from('=1 2 { 9H 0 * 1e-7 2.5e-05 } 1e+06 0 *\n'))
    expect(text).toBe('=1 2 { 9H 0 * 1e-7 0.000025 } 1000000 0 *\n')
  })
})

describe('contents of the recorded messages of lyskomd', () => {
  function read<C extends AnyCodec>(file: string): Infer<C> {
    const { bytes, codec } = FIXTURES.find((one) => one.file === `${file}.bin`) as Fixture
    const envelope = readEnvelope(bytes)
    if (!('reader' in envelope) || codec === undefined) throw new Error(`${file} has no data`)
    return readData(codec, envelope.reader)
  }
  const reply = <N extends CallName>(name: N, label = ''): Reply<N> =>
    read(`reply-${CALLS[name].number}-${name}${label && `-${label}`}`)

  it('include texts with every kind of misc-info and with aux-items', () => {
    const stat: Infer<typeof textStat> = reply('get-text-stat', 'as-author')
    expect(new Set(stat.miscInfo.map(({ kind }) => kind))).toEqual(
      new Set([
        ...['recpt', 'cc-recpt', 'bcc-recpt', 'comm-to', 'comm-in', 'footn-to', 'footn-in'],
        ...['loc-no', 'rec-time', 'sent-by', 'sent-at'],
      ]),
    )
    expect(stat.auxItems.map(({ tag }) => tag)).toEqual([1, 15, 2])
    expect(reply('get-text-stat', 'bare')).toMatchObject({ miscInfo: [], auxItems: [] })
  })

  it('include strings with contents that look like tokens', () => {
    const hostile = Buffer.from(HOSTILE, 'latin1')
    expect(reply('get-text')).toEqual(hostile)
    expect(reply('get-client-version')).toBe(HOSTILE)
    expect(reply('get-text-stat').auxItems[2]?.data).toEqual(hostile)
    expect(read('message-12-async-send-message')).toMatchObject({ message: hostile })
    expect(read('message-6-async-i-am-on')).toMatchObject({ info: { whatAmIDoing: HOSTILE } })
    expect(reply('get-text', 'empty').length).toBe(0)
    expect(reply('get-collate-table').length).toBe(256)
  })

  it('include sparse, dense, full and empty text mappings', () => {
    const reverse = (label: string) => reply('local-to-global-reverse', label).block
    expect(reply('local-to-global', 'dense').block.kind).toBe('dense')
    expect(reply('local-to-global', 'sparse').block.kind).toBe('sparse')
    expect(reverse('dense')).toMatchObject({ kind: 'dense', value: { firstLocalNo: 2 } })
    expect(reverse('sparse').kind).toBe('sparse')
    expect(reverse('empty')).toEqual({ kind: 'sparse', value: [] })
  })

  it('include arrays without their elements', () => {
    const ranges = (label: string) => reply('query-read-texts', label).readRanges
    expect(ranges('')).toMatchObject({ length: 4 })
    expect(ranges('one-range')).toEqual([{ firstRead: 1, lastRead: 3 }])
    expect(ranges('without-ranges')).toMatchObject({ length: 0, omitted: 4 })
    expect(reply('get-membership', 'without-ranges').map(({ readRanges }) => readRanges.omitted ?? 0)).toContain(4)
  })

  it('include floating point numbers', () => {
    const numbers = reply('get-stats', 'reqs').flatMap((one) => [one.average, one.ascentRate, one.descentRate])
    expect(numbers.length).toBe(18)
    expect(numbers.filter((number) => !Number.isInteger(number)).length).toBeGreaterThan(5)
  })

  it('include seven refusals with human-readable texts', () => {
    const refusals = FIXTURES.filter(({ kind }) => kind === 'refusal').map(({ bytes }) => readEnvelope(bytes))
    expect(refusals.map((envelope) => envelope.kind === 'refusal' && envelope.text).sort()).toEqual([
      'Insane array size.',
      'Insane string length.',
      'Insane token length.',
      'LysKOM protocol error.',
      'LysKOM unsupported protocol.',
      'No connections left.',
      'No logins allowed.',
    ])
  })
})
