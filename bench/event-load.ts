import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { requestBytes } from '../test/support/http-connection.ts'
import { median } from '../test/support/statistics.ts'
import { connectedTo } from './fake-server.ts'

export { callsTo, listen } from './fake-server.ts'

const CONCURRENCY = 32
const AUTHOR = 6
const CONFERENCE = 7
const TIME = '15 6 9 12 1 126 4 11 0'
const COMMENTED = 4711
const PLACEHOLDER = 999_999_999
const WARM_UP_TEXTS = 500
/** Limit on the time in which the last events arrive. */
const ARRIVAL_MS = 30_000
/** What is left of a chunk may be the beginning of this and a number. */
const TEXT_NO = '"text_no":'
const MAX_NUMBER = 10

/** Streams of server-sent events on a gateway. */
export interface StreamTarget {
  port: number
  path: string
  /** connection ids, one for each stream */
  ids: string[]
}

/** How events have arrived. Times in milliseconds, from the bytes on the LysKOM connection to the event at the client. */
export interface Arrivals {
  /** events of all streams, each stream having all of them in order */
  events: number
  texts: number
  /** times that each LysKOM connection was written to; a slow machine writes several texts at once */
  writes: number
  p50: number
  p99: number
}

let lastTextNo = 0

/** A client of one stream. It reports the number of each text of whose event it has received the beginning. */
class TextStream {
  onText: (textNo: number) => void = () => undefined
  readonly #socket: Socket
  #rest = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  /** Resolves when the first part of the stream has arrived. */
  static async open(port: number, path: string, id: string): Promise<TextStream> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.write(requestBytes({ method: 'GET', path, id }))
    let head = ''
    while (!head.includes('\n\n')) head += String((await once(socket, 'data'))[0])
    if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`a stream is rejected: ${head.split('\r\n')[0]}`)
    return new TextStream(socket)
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1')
    let end = 0
    for (let at = text.indexOf(TEXT_NO); at >= 0; at = text.indexOf(TEXT_NO, end)) {
      const comma = text.indexOf(',', at)
      if (comma < 0) break
      end = comma
      this.onText(Number(text.slice(at + TEXT_NO.length, comma)))
    }
    this.#rest = text.slice(Math.max(end, text.length - TEXT_NO.length - MAX_NUMBER))
  }
}

const open = new Map<number, TextStream[]>()

/** Opens streams, which stay open. */
export async function openStreams({ port, path, ids }: StreamTarget): Promise<void> {
  const streams: TextStream[] = []
  const left = ids.values()
  const run = async (): Promise<void> => {
    for (const id of left) streams.push(await TextStream.open(port, path, id))
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, ids.length) }, run))
  open.set(port, streams)
}

/** Closes the streams on the gateway of a port. */
export function closeStreams(port: number): void {
  for (const stream of open.get(port) ?? []) stream.close()
  open.delete(port)
}

/**
 * Writes texts to all LysKOM connections, one after the other, each when the client of the only stream has received the
 * event of the one before.
 *
 * @param newAuthors whether each text has an author whose name the session does not know
 * @returns the median time in milliseconds
 */
export async function p50(port: number, lyskomPort: number, texts: number, newAuthors = false): Promise<number> {
  const [stream] = open.get(port) ?? []
  if (stream === undefined) throw new Error('there is no stream')
  const times: number[] = []
  for (let i = -(newAuthors ? 0 : WARM_UP_TEXTS); i < texts; i++) {
    const textNo = ++lastTextNo
    const message = newText(textNo, newAuthors ? AUTHOR + textNo : AUTHOR)
    const arrived = new Promise<number>((resolve) => {
      stream.onText = (received) => received === textNo && resolve(performance.now())
    })
    const start = performance.now()
    for (const socket of connectedTo(lyskomPort).sockets) socket.write(message)
    const time = (await arrived) - start
    if (i >= 0) times.push(time)
    // Whatever the gateway does after the event does not count. Without a pause the texts would be a flood.
    await sleep(1)
  }
  return median(times)
}

/**
 * Writes texts to all LysKOM connections at a rate, and measures the events of all streams. Rejects if one misses an
 * event.
 */
export async function broadcast(port: number, lyskomPort: number, perSecond: number, ms: number): Promise<Arrivals> {
  const streams = open.get(port) ?? []
  const { sockets } = connectedTo(lyskomPort)
  const first = lastTextNo + 1
  const writtenAt: number[] = []
  const times: number[] = []
  for (const stream of streams) {
    let next = first
    stream.onText = (textNo) => {
      if (textNo !== next) throw new Error(`a stream has the text ${textNo}, not ${next}`)
      times.push(performance.now() - (writtenAt[textNo - first] as number))
      next++
    }
  }
  const start = performance.now()
  let writes = 0
  for (let now = start; now < start + ms; now = performance.now()) {
    const due = Math.floor(((now - start) * perSecond) / 1000) - writtenAt.length
    const texts = Array.from({ length: due }, () => newText(++lastTextNo, AUTHOR)).join('')
    for (let i = 0; i < due; i++) writtenAt.push(now)
    if (due > 0) for (const socket of sockets) socket.write(texts)
    if (due > 0) writes++
    await setImmediate()
  }
  const expected = writtenAt.length * streams.length
  for (const deadline = performance.now() + ARRIVAL_MS; times.length < expected && performance.now() < deadline; ) {
    await sleep(10)
  }
  if (times.length < expected) throw new Error(`only ${times.length} of ${expected} events have arrived`)
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] as number
  return { events: times.length, texts: writtenAt.length, writes, p50: at(0.5), p99: at(0.99) }
}

let flooding: NodeJS.Timeout | undefined

/** Writes texts to all LysKOM connections at a rate until `stopFlood`. */
export function flood(lyskomPort: number, perSecond: number): void {
  const { sockets } = connectedTo(lyskomPort)
  const [before = '', after = ''] = newText(PLACEHOLDER, AUTHOR).split(String(PLACEHOLDER))
  const start = performance.now()
  let written = 0
  flooding = setInterval(() => {
    const due = Math.floor(((performance.now() - start) * perSecond) / 1000) - written
    written += due
    let texts = ''
    for (let i = 0; i < due; i++) texts += `${before}${++lastTextNo}${after}`
    for (const socket of sockets) socket.write(texts, 'latin1')
  }, 1)
}

/** Ends the flood. */
export function stopFlood(): void {
  clearInterval(flooding)
}

/** Formats async-new-text: a comment with one recipient and one aux-item. */
function newText(textNo: number, author: number): string {
  const miscInfo = `4 { 0 ${CONFERENCE} 6 1234 7 ${TIME} 2 ${COMMENTED} }`
  const auxItems = `1 { 1 15 ${author} ${TIME} 00000000 1 17Hkomgate-bench 1.0 }`
  return `:18 15 ${textNo} ${TIME} ${author} 12 400 0 ${miscInfo} ${auxItems}\n`
}
