import type { AnyCodec } from '../src/protocol/codec.ts'
import { readData, readEnvelope } from '../src/protocol/envelope.ts'
import { Framer } from '../src/protocol/framer.ts'
import { type Kind, type Message, readCorpus, textReply } from './protocol-corpus.ts'
import { alternate } from './rounds.ts'

/** The whole corpus: as decoded, and with bodies converted to strings, as any program that displays texts must do. */
const ALL = ['all, as read', 'all, bodies made strings'] as const
const ROUNDS = 11
const ROUND_MS = 60
const WARM_UPS = 3
const MAX_MESSAGE_BYTES = 2 ** 25
/** The maximum that a socket delivers at a time. */
const CHUNK_BYTES = 64 * 1024

/** Rounds of each, in milliseconds for the same work. */
export interface Compared {
  what: number[]
  against: number[]
}

export interface Decoded extends Compared {
  title: Kind | (typeof ALL)[number]
  bytes: number
  jsonBytes: number
}

export interface Speeds {
  decoded: Decoded[]
  /** a text-stat in single bytes, against whole */
  split: Compared
  /** one text of 1 MB, against ten of 100 kB */
  large: Compared
}

/** Times framer, envelope and decoding. `folder` holds captured messages. */
export async function measureProtocol(folder: string): Promise<Speeds> {
  const corpus = readCorpus(folder)
  const all = interleaved(Object.values(corpus))
  const decoded: Decoded[] = []
  for (const [kind, messages] of Object.entries(corpus)) decoded.push(await againstJson(kind as Kind, messages))
  for (const title of ALL) decoded.push(await againstJson(title, all))

  const stat = corpus['text-stats'][0] as Message satisfies Message
  const hundred = Array.from({ length: 10 }, () => textReply(100_000))
  return {
    decoded,
    split: await compare(decoder([stat], 1), decoder([stat], CHUNK_BYTES)),
    large: await compare(decoder([textReply(1_000_000)], CHUNK_BYTES), decoder(hundred, CHUNK_BYTES)),
  }
}

async function againstJson(title: Decoded['title'], messages: readonly Message[]): Promise<Decoded> {
  const texts = messages.map(({ line, codec }) => JSON.stringify(decode(line, codec), withStrings))
  const parse = (): void => {
    for (const text of texts) JSON.parse(text)
  }
  return {
    title,
    bytes: messages.reduce((sum, { line }) => sum + line.length, 0),
    jsonBytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
    ...(await compare(decoder(messages, CHUNK_BYTES, title === ALL[1]), parse)),
  }
}

/** Returns a function that runs the messages through framer, envelope and codec in chunks of `chunkBytes`. */
function decoder(messages: readonly Message[], chunkBytes: number, bodiesToStrings = false): () => void {
  const stream = Buffer.concat(messages.map(({ line }) => line))
  const chunks = Array.from({ length: Math.ceil(stream.length / chunkBytes) }, (_, i) =>
    stream.subarray(i * chunkBytes, (i + 1) * chunkBytes),
  )
  let next = 0
  const framer = new Framer((line) => {
    const value = decode(line, (messages[next++] as Message).codec)
    if (bodiesToStrings && Buffer.isBuffer(value)) value.toString('latin1')
  }, MAX_MESSAGE_BYTES)
  return () => {
    next = 0
    for (const chunk of chunks) framer.push(chunk)
    if (next !== messages.length) throw new Error('messages are missing')
  }
}

function decode(line: Buffer, codec: AnyCodec): unknown {
  const envelope = readEnvelope(line)
  if (envelope.kind !== 'reply') throw new Error('not a reply')
  return readData(codec, envelope.reader) as unknown
}

/** Converts bytes to strings, as JSON requires. JSON.stringify has already called toJSON of a Buffer here. */
function withStrings(_key: string, value: unknown): unknown {
  const buffer = value as { type?: unknown; data?: number[] } | null
  return buffer?.type === 'Buffer' && Array.isArray(buffer.data) ? Buffer.from(buffer.data).toString('latin1') : value
}

function compare(what: () => void, against: () => void): Promise<Compared> {
  for (let i = 0; i < WARM_UPS; i++) {
    spin(what)
    spin(against)
  }
  return alternate(ROUNDS, { what: () => spin(what), against: () => spin(against) })
}

/** The mean time of a call, in milliseconds. */
function spin(work: () => void): number {
  const start = performance.now()
  let calls = 0
  do {
    work()
    calls++
  } while (performance.now() - start < ROUND_MS)
  return (performance.now() - start) / calls
}

/** Distributes every list evenly over the whole, because a reader alternates between all kinds of replies. */
function interleaved(lists: readonly (readonly Message[])[]): Message[] {
  return lists
    .flatMap((list) => list.map((message, i) => ({ message, place: (i + 0.5) / list.length })))
    .toSorted((a, b) => a.place - b.place)
    .map(({ message }) => message)
}
