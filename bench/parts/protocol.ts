import { readdirSync, readFileSync } from 'node:fs'
import { CALLS, type CallName } from '../../src/protocol/calls/index.ts'
import type { AnyCodec } from '../../src/protocol/codec.ts'
import { readData, readEnvelope } from '../../src/protocol/envelope.ts'
import { Framer } from '../../src/protocol/framer.ts'
import { alternate, compare, precise, type Row, ratioOfMedians, runPart } from '../part.ts'

const ROUNDS = 11
const ROUND_MS = 60
const WARM_UPS = 3
const MAX_MESSAGE_BYTES = 2 ** 25
/** The maximum that a socket delivers at a time. */
const CHUNK_BYTES = 64 * 1024
/** Messages captured from a lyskomd. */
const CAPTURED = 'fixtures/wire'

/** Number of replies to each call while a person logs in and reads a hundred texts. */
const READING: Readonly<Partial<Record<CallName, number>>> = {
  'get-text-stat': 100,
  'get-text': 100,
  'get-membership': 20,
  'get-conf-stat': 20,
  'get-uconf-stat': 50,
  'lookup-z-name': 10,
}
/** Distribution of body sizes over a hundred texts. */
const BODIES: readonly (readonly [count: number, bytes: number])[] = [
  [50, 1000],
  [25, 2000],
  [15, 5000],
  [7, 15_000],
  [3, 50_000],
]
const PROSE =
  'Det h\xe4r \xe4r en text som n\xe5gon har skrivit.\nDen har rader, "citat" och 5H som ingen f\xe5r f\xf6rv\xe4xla med en str\xe4ng.\n'

/** A reply as lyskomd sends it, and the codec of its data. */
interface Message {
  line: Buffer
  codec: AnyCodec
}

/** Measures how fast replies are decoded, against `JSON.parse` and against the same replies in other chunks. */
async function measure(): Promise<Row[]> {
  const lists = Object.entries(READING).map(([name, count]) => messages(name as CallName, count))
  const [stat] = messages('get-text-stat', 1)
  const ten = Array.from({ length: 10 }, () => textReply(100_000))
  const row = async (what: string, against: string, aim: string, works: readonly [() => void, () => void]) => {
    const times = await time(what, ...works)
    return compare({ what, against, aim }, times.what, times.against, 'ms')
  }
  const single = [decoder([stat as Message], 1), decoder([stat as Message], CHUNK_BYTES)] as const
  const long = [decoder([textReply(1_000_000)], CHUNK_BYTES), decoder(ten, CHUNK_BYTES)] as const
  return [
    await compareWithJson(interleave(lists)),
    await row('a text-stat in single bytes', 'whole', '<= 3', single),
    await row('a text of 1 MB in 64 kB chunks', 'ten of 100 kB', '<= 1.3', long),
  ]
}

/** Both speeds are relative to the size of their own input. */
async function compareWithJson(list: readonly Message[]): Promise<Row> {
  const texts = list.map(({ line, codec }) => JSON.stringify(decode(line, codec), bytesToStrings))
  const parse = (): void => {
    for (const text of texts) JSON.parse(text)
  }
  const { what, against } = await time('decoding', decoder(list, CHUNK_BYTES), parse)
  const speeds = (times: readonly number[], inputs: readonly (Buffer | string)[]): number[] => {
    const bytes = inputs.reduce((sum, input) => sum + Buffer.byteLength(input), 0)
    return times.map((ms) => bytes / 1000 / ms)
  }
  const names = { what: 'decoding what a reader reads', against: 'JSON.parse of the same values', aim: '>= 1' }
  const lines = list.map(({ line }) => line)
  const row = compare(names, speeds(what, lines), speeds(against, texts), 'MB/s')
  return { ...row, figures: `${row.figures}; time for the same values x ${precise(ratioOfMedians(what, against))}` }
}

/** Returns a function that runs the messages through framer, envelope and codec in chunks of `chunkBytes`. */
function decoder(list: readonly Message[], chunkBytes: number): () => void {
  const stream = Buffer.concat(list.map(({ line }) => line))
  const chunks = Array.from({ length: Math.ceil(stream.length / chunkBytes) }, (_, i) =>
    stream.subarray(i * chunkBytes, (i + 1) * chunkBytes),
  )
  let next = 0
  const framer = new Framer((line) => {
    decode(line, (list[next++] as Message).codec)
  }, MAX_MESSAGE_BYTES)
  return () => {
    next = 0
    for (const chunk of chunks) framer.push(chunk)
    if (next !== list.length) throw new Error('messages are missing')
  }
}

function decode(line: Buffer, codec: AnyCodec): unknown {
  const envelope = readEnvelope(line)
  if (envelope.kind !== 'reply') throw new Error('not a reply')
  return readData(codec, envelope.reader) as unknown
}

/** Converts bytes to strings, as JSON requires. JSON.stringify has already called toJSON of a Buffer here. */
function bytesToStrings(_key: string, value: unknown): unknown {
  const buffer = value as { type?: unknown; data?: number[] } | null
  return buffer?.type === 'Buffer' && Array.isArray(buffer.data) ? Buffer.from(buffer.data).toString('latin1') : value
}

/** Returns the mean times of a call in each round, in milliseconds. */
function time(title: string, what: () => void, against: () => void): Promise<Record<'what' | 'against', number[]>> {
  const spin = (work: () => void): number => {
    const start = performance.now()
    let calls = 0
    do {
      work()
      calls++
    } while (performance.now() - start < ROUND_MS)
    return (performance.now() - start) / calls
  }
  for (let i = 0; i < WARM_UPS; i++) {
    spin(what)
    spin(against)
  }
  return alternate(title, ROUNDS, { what: () => spin(what), against: () => spin(against) })
}

/** Returns `count` replies to a call. */
function messages(name: CallName, count: number): Message[] {
  if (name === 'get-text') return BODIES.flatMap(([each, bytes]) => new Array<Message>(each).fill(textReply(bytes)))
  const prefix = `reply-${CALLS[name].number}-${name}`
  const files = readdirSync(CAPTURED).filter((file) => file === `${prefix}.bin` || file.startsWith(`${prefix}-`))
  if (files.length === 0) throw new Error(`${CAPTURED} holds no ${prefix}.bin`)
  const lines = files.toSorted().map((file) => readFileSync(`${CAPTURED}/${file}`))
  const codec = CALLS[name].reply as AnyCodec
  return Array.from({ length: count }, (_, i) => ({ line: lines[i % lines.length] as Buffer, codec }))
}

/** The reply to get-text for a text of `bytes` bytes. */
function textReply(bytes: number): Message {
  const line = Buffer.concat([Buffer.from(`=17 ${bytes}H`), Buffer.alloc(bytes, PROSE, 'latin1'), Buffer.from('\n')])
  return { line, codec: CALLS['get-text'].reply as AnyCodec }
}

/** Distributes every list evenly over the whole, because a reader alternates between all kinds of replies. */
function interleave(lists: readonly (readonly Message[])[]): Message[] {
  return lists
    .flatMap((list) => list.map((message, i) => ({ message, place: (i + 0.5) / list.length })))
    .toSorted((a, b) => a.place - b.place)
    .map(({ message }) => message)
}

await runPart('protocol', measure)
