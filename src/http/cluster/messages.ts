import { Buffer, isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import type { Context } from 'hono'
import type { UnsignedRequest } from '../../cluster/cluster.ts'
import { contentLength, type ForwardedResponse } from '../../cluster/forwarded.ts'
import { FORWARDED_HEADER } from '../../cluster/signature.ts'
import type { Env } from '../env.ts'
import { CONNECTION_HEADER } from '../middleware/connection-id.ts'
import type { SinkSource, StreamSink } from '../node/direct-stream.ts'
import { REQUEST_ID_HEADER } from '../node/request-id.ts'
import { TrackedResponse } from '../node/tracked-response.ts'
import type { OpenStreams } from '../open-streams.ts'

/** Header fields that belong to one connection (RFC 9110, 7.6.1), or that are written anew. */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'content-length',
  'date',
  REQUEST_ID_HEADER.toLowerCase(),
  FORWARDED_HEADER.toLowerCase(),
])
/** Bodies of requests up to this size are sent in one piece, bytes; larger ones are streamed. */
const SMALL = 65_536
const NONE: readonly string[] = []
const EVENT_STREAM = 'text/event-stream'

/** Returns a request as the client sent it, without what belongs to its connection. */
export async function requestOf(c: Context<Env>): Promise<UnsignedRequest> {
  const body = bodyOf(c)
  return {
    method: c.req.method,
    target: targetOf(c),
    headers: headersOf(c),
    body: body instanceof Promise ? await body : body,
    onGone: (listener) => onGone(c, listener),
  }
}

/** Returns the header fields of a request without those of its connection: names and values in alternation. */
export function headersOf(c: Context<Env>): string[] {
  const headers: string[] = [REQUEST_ID_HEADER, c.get('requestId')]
  const cookieId = c.get('cookieId') as string | undefined
  // This node has chosen between the cookies, and has checked that they may be used.
  if (cookieId !== undefined) headers.push(CONNECTION_HEADER, cookieId)
  const { rawHeaders = [] } = c.env?.incoming ?? {}
  const named = tokensOf(c.req.header('connection'))
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    const key = name.toLowerCase()
    if (key === 'cookie' && cookieId !== undefined) continue
    if (!OF_CONNECTION.has(key) && !named.includes(key)) headers.push(name, rawHeaders[i + 1] as string)
  }
  return headers
}

/** Returns the fields that a `Connection` field names. */
function tokensOf(connection: string | undefined): readonly string[] {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return NONE
  return connection
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
}

/** Calls a function when the connection of the client is closed, or its response has ended. */
function onGone({ env }: Context<Env>, listener: () => void): void {
  const emitter = env?.outgoing ?? env?.incoming?.socket
  if (emitter?.destroyed) listener()
  else emitter?.once('close', listener)
}

/** Returns path and query as the client sent them. */
function targetOf(c: Context<Env>): string {
  const target = c.env?.incoming?.url
  if (target?.startsWith('/')) return target
  const { pathname, search } = new URL(c.req.url)
  return pathname + search
}

function bodyOf({ req }: Context<Env>): Promise<Uint8Array> | Readable | undefined {
  const length = req.header('content-length')
  if (length === undefined && req.header('transfer-encoding') === undefined) return undefined
  if (length !== undefined && Number(length) <= SMALL) return req.arrayBuffer().then((bytes) => new Uint8Array(bytes))
  const { body } = req.raw
  return body === null ? undefined : Readable.fromWeb(body as ReadableStream<Uint8Array>)
}

/**
 * Returns the response of another node as one of this node.
 * @param streams receives a stream of events
 */
export function responseOf(
  { status, headers, body }: ForwardedResponse,
  { req, env }: Context<Env>,
  streams?: OpenStreams,
): Response {
  if (body instanceof Readable) {
    const endless = headers.some((value) => value.startsWith(EVENT_STREAM)) ? streams : undefined
    return new Response(streamOf(body, env?.outgoing, endless), init(status, headers, contentLength(headers)))
  }
  if (req.method === 'HEAD') return new Response(null, init(status, headers, contentLength(headers)))
  const options = init(status, headers)
  if (body.length === 0) return new Response(null, options)
  // Node writes a text together with the headers.
  return new Response(isUtf8(body) ? textOf(body) : (body as Uint8Array<ArrayBuffer>), options)
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString()
}

/** Returns a body that is passed on as it arrives, directly to a response of Node. */
function streamOf(source: Readable, outgoing: unknown, streams?: OpenStreams): globalThis.ReadableStream {
  // It does not begin to read before it is read itself.
  const body = ReadableStream.from<Uint8Array>(source) as globalThis.ReadableStream
  if (outgoing instanceof TrackedResponse) {
    // Its client may have disconnected, and nothing reads the body then.
    if (outgoing.destroyed) source.destroy()
    else outgoing.once('close', () => source.destroy())
    outgoing.stream = { body, start: (sink) => passOn(source, sink, streams) }
  }
  return body
}

function passOn(source: Readable, sink: StreamSink, streams?: OpenStreams): SinkSource {
  source.on('data', (piece: Uint8Array) => {
    if (!sink.write(piece)) source.pause()
  })
  source.on('end', () => sink.end())
  source.on('error', (error) => sink.fail(error))
  const end = (): void => {
    source.destroy()
    sink.end()
  }
  return { resume: () => source.resume(), stop: streams?.add(end) ?? (() => undefined) }
}

/**
 * Returns status and headers of a response without what belongs to its connection.
 * @param length the length of a body that is not sent in one piece, if it is known
 */
export function init(status: number, headers: readonly string[], length?: string): ResponseInit {
  const kept: Record<string, string> = length === undefined ? {} : { 'Content-Length': length }
  const cookies: [string, string][] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const key = name.toLowerCase()
    if (OF_CONNECTION.has(key)) continue
    // It alone may occur twice. A plain object keeps the spelling of the names, and takes less time.
    if (key === 'set-cookie') cookies.push([name, headers[i + 1] as string])
    else kept[name] = headers[i + 1] as string
  }
  return { status, headers: cookies.length === 0 ? kept : [...Object.entries(kept), ...cookies] }
}
