import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Agent, type Dispatcher } from 'undici'
import { ClientGoneError, MisdirectedError, NotReadError, RefusedError } from './errors.ts'
import { Exchange } from './exchange.ts'
import {
  type ForwardedRequest,
  type ForwardedResponse,
  PROBE_PATH,
  REFUSED_HEADER,
  type SignatureHeader,
  type UpgradeResponse,
} from './forwarded.ts'
import { hostOf } from './node-url.ts'
import type { Owner } from './owner.ts'

/** Timeout for connecting to a node, milliseconds: nodes are close to each other. */
const CONNECT_MS = 2000
/** How long an unused connection to a node is kept, milliseconds: less than the keep-alive timeout of a node. */
const KEEP_ALIVE_MS = 60_000
/** When the kernel begins to check a connection without traffic, milliseconds. */
const TCP_KEEP_ALIVE_MS = 5000
/** The status with which a node refuses a request for a slot that it does not hold. */
const MISDIRECTED = 421
/** The status with which it refuses a signature. */
const FOREIGN = 403
/** The status with which a node closes a connection on which no request has begun in time. */
const NOT_READ = 408
/** The longest response that is read when a node is asked whether it is there. */
const MAX_PROBE_LENGTH = 1000

/** What a node answers when it is asked whether it is there, or what something else at its address answers. */
export interface ProbeResponse {
  status: number
  text: string
  /** why a node refuses to answer */
  refused: string | undefined
}

/** A request that has been sent. */
export interface Sent<T> {
  readonly response: Promise<T>
  /** Ends the request, and the response, with an error. */
  abort(reason: Error): void
}

/** Sends requests to other nodes over connections that are kept. */
export class NodeClient {
  readonly #agent = new Agent({
    connect: { timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The node has deadlines of its own, and a stream of events has none.
    headersTimeout: 0,
    bodyTimeout: 0,
  })

  /** Whether nodes answer, by epoch, while they are asked. */
  readonly #probes = new Map<string, Promise<boolean>>()

  /**
   * Sends a request to a node. The response rejects with
   * - MisdirectedError if the node does not hold the slot
   * - RefusedError if the node refuses the signature
   * - NotReadError if the node has not read it, unless its body is a stream, which may be slow
   * - ClientGoneError if the client disconnects before it
   */
  request(
    owner: Owner,
    { method, target: path, headers, body, onGone, sign }: ForwardedRequest,
  ): Sent<ForwardedResponse> {
    const exchange = new Exchange(method)
    let isGone = false
    onGone(() => {
      if (exchange.hasEnded) return
      isGone = true
      exchange.abort(gone())
    })
    const options = { origin: owner.url, path, method: method as Dispatcher.HttpMethod, body: body ?? null }
    this.#agent.dispatch({ ...options, headers: headers.concat(sign(owner)) }, exchange)
    const accept = (answer: ForwardedResponse) => accepted(answer, body instanceof Readable)
    const response = exchange.response.then(accept, (error: unknown) => {
      // The end of the body comes before that of the connection.
      throw isGone ? gone() : error
    })
    return { response, abort: (reason) => exchange.abort(reason) }
  }

  /** Like `request`, for a WebSocket. undici's own `upgrade` does not return a response that rejects. */
  upgrade(owner: Owner, { method, target: path, headers, onGone, sign }: ForwardedRequest): Sent<UpgradeResponse> {
    const fields = headers.concat(sign(owner), ['Connection', 'Upgrade', 'Upgrade', 'websocket'])
    // The path is not a part of a URL, which would change it.
    const outgoing = httpRequest({ ...addressOf(owner), path, method, headers: fields, agent: false })
    const abort = (reason: Error): void => void outgoing.destroy(reason)
    let hasAnswered = false
    onGone(() => hasAnswered || abort(gone()))
    const response = Promise.race([once(outgoing, 'upgrade'), once(outgoing, 'response')]).then((args) => {
      hasAnswered = true
      return upgraded(...(args as [IncomingMessage, Duplex?, Uint8Array?]))
    })
    outgoing.end()
    return { response, abort }
  }

  /**
   * Returns whether a node answers on a new connection as the owner that it was. Probes of a node at the same time are one.
   * @param header the signature of a request for `PROBE_PATH`
   * @param timeoutMs how long the node may take, milliseconds
   * @throws RefusedError if the node refuses the signature
   */
  async isAlive(owner: Owner, header: () => SignatureHeader, timeoutMs: number): Promise<boolean> {
    const { epoch } = owner
    const running = this.#probes.get(epoch)
    if (running !== undefined) return await running
    const asked = answersAs(owner, header(), timeoutMs).finally(() => this.#probes.delete(epoch))
    this.#probes.set(epoch, asked)
    return await asked
  }

  /** Closes the connections; requests in flight fail. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

/**
 * Asks a node on a new connection whether it is there.
 * @param header the signature of a request for `PROBE_PATH`
 * @param timeoutMs how long the node may take, milliseconds
 * @throws the error of the connection
 */
export async function probe(owner: Owner, [name, value]: SignatureHeader, timeoutMs: number): Promise<ProbeResponse> {
  const signal = AbortSignal.timeout(timeoutMs)
  const options = { path: PROBE_PATH, headers: { [name]: value }, signal, agent: false }
  // Not `fetch`, which refuses the ports of other protocols.
  const outgoing = httpRequest({ ...addressOf(owner), ...options })
  const received = once(outgoing, 'response')
  outgoing.end()
  const [response] = (await received) as [IncomingMessage]
  const { statusCode: status = 0, headers } = response
  const refused = headers[REFUSED_HEADER.toLowerCase()] as string | undefined
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    // Something else answers.
    if (text.length > MAX_PROBE_LENGTH) break
  }
  return { status, text, refused }
}

async function answersAs(owner: Owner, header: SignatureHeader, timeoutMs: number): Promise<boolean> {
  const response = await probe(owner, header, timeoutMs).catch(() => undefined)
  if (response?.status === FOREIGN && response.refused !== undefined) throw refusedSignature()
  return response?.text === owner.epoch
}

function addressOf({ url }: Owner): { host: string; port: string } {
  return { host: hostOf(url), port: new URL(url).port }
}

function gone(): ClientGoneError {
  return new ClientGoneError('the client has disconnected')
}

/** Returns a response unless the node refuses the request. */
function accepted(response: ForwardedResponse, isStream: boolean): ForwardedResponse {
  const isUnread = response.status === NOT_READ && !isStream
  const refusal = isUnread ? new NotReadError('not read by the node') : refusalIn(response.status, response.headers)
  if (refusal === undefined) return response
  if (response.body instanceof Readable) response.body.destroy()
  throw refusal
}

/** Returns the response to a request for a WebSocket unless the node refuses the request. */
async function upgraded(response: IncomingMessage, socket?: Duplex, head?: Uint8Array): Promise<UpgradeResponse> {
  const { statusCode: status = 0, rawHeaders } = response
  if (socket !== undefined && head !== undefined) {
    response.socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS)
    return { headers: rawHeaders, socket, head }
  }
  const body = await buffer(response)
  const refusal = refusalIn(status, rawHeaders)
  if (refusal !== undefined) throw refusal
  return { headers: rawHeaders, status, body }
}

/** Returns the error for a response with which a node refuses a request. */
function refusalIn(status: number, headers: readonly string[]): Error | undefined {
  if (status === MISDIRECTED) return new MisdirectedError('the node does not hold the slot')
  if (status !== FOREIGN) return undefined
  const isRefused = headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === REFUSED_HEADER.toLowerCase())
  return isRefused ? refusedSignature() : undefined
}

function refusedSignature(): RefusedError {
  return new RefusedError('the node refuses the signature')
}
