import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { CallName } from '../protocol/calls/index.ts'
import { CALLS } from '../protocol/calls/index.ts'
import type { AnyCodec } from '../protocol/codec.ts'
import { readRequest, writeError, writeReply } from '../protocol/envelope.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { Framer } from '../protocol/framer.ts'
import { Reader } from '../protocol/reader.ts'
import type { Context, Hub } from './context.ts'
import { type DemoData, loadDatabase, readDemoData } from './demo-data.ts'
import { HANDLERS } from './handlers/index.ts'
import { logOut } from './handlers/sessions.ts'
import type { DemoLimits } from './limits.ts'
import { type LiveBotOptions, startLiveBot } from './live-bot.ts'
import { Session } from './session.ts'

/** A running demo server. */
export interface DemoServer {
  readonly host: string
  readonly port: number
  /** Number of connected clients. */
  readonly connections: number
  /** Number of times that each limit was exceeded: texts deleted, and calls rejected for the other limits. */
  readonly limitHits: ReadonlyMap<keyof DemoLimits, number>
  /** Stops listening and closes all connections. */
  close(): Promise<void>
}

/** Options of `startDemoServer`. */
export interface DemoServerOptions {
  /** Initial data; default: fixtures/demo.json */
  data?: DemoData
  /** Default 127.0.0.1, because Protocol A sends passwords unencrypted. */
  host?: string
  /** Default 0: any free port */
  port?: number
  /** Default 1000 */
  maxConnections?: number
  /** Limits on what clients can make the server store; default: `DEFAULT_LIMITS` */
  limits?: Partial<DemoLimits>
  /** Whether persons of the server write texts from time to time, or options of them. Default false */
  live?: boolean | LiveBotOptions
}

/**
 * Maximum size of a request, in bytes. It is far larger than that of a text, so that too long texts get an error reply.
 */
const MAX_REQUEST_BYTES = 32 * 1024 * 1024
/** Requests of a client wait while more than this number of bytes of its replies are unsent. */
const MAX_UNREAD_REPLIES = 1024 * 1024
/** Clients that do not send the greeting within this time, in milliseconds, are disconnected. */
const HELLO_MS = 30_000
const A = 0x41

const PROTOCOL_ERROR = '%% LysKOM protocol error.\n'
const UNSUPPORTED = '%%LysKOM unsupported protocol.\n'
const FULL = '%% No connections left.\n'

/**
 * Starts an in-memory LysKOM server that implements Protocol A like lyskomd 2.1.2, including its errors. It discards
 * all changes when it closes.
 *
 * @throws Error if the port is in use or the data is inconsistent
 */
export async function startDemoServer(options: DemoServerOptions = {}): Promise<DemoServer> {
  const { host = '127.0.0.1', port = 0, maxConnections = 1000 } = options
  const db = loadDatabase(options.data ?? bundledData(), options.limits)
  const sessions = new Map<number, Session>()
  const sockets = new Set<Socket>()
  const hub: Hub = {
    db,
    startedAt: new Date(),
    boot: {
      texts: db.texts.size,
      highestText: db.highestText,
      confs: db.conferences.size,
      persons: db.persons.size,
      highestConf: db.highestConf,
    },
    sessions,
    disconnect(session) {
      if (!sessions.has(session.no)) return
      logOut(hub, session)
      sessions.delete(session.no)
      session.end()
    },
  }
  let lastSessionNo = 0

  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    if (sockets.size >= maxConnections) {
      socket.end(FULL)
      socket.resume()
      for (const session of sessions.values()) session.notify('async-rejected-connection', {})
      setTimeout(() => socket.destroy(), 1000).unref()
      return
    }
    sockets.add(socket)
    let session: Session | undefined
    socket.once('close', () => {
      sockets.delete(socket)
      if (session !== undefined) hub.disconnect(session)
    })
    serve(hub, socket, (hello) => {
      session = new Session(++lastSessionNo, hello, socket)
      sessions.set(session.no, session)
      return session
    })
  })
  await listen(server, port, host)
  const { live = false } = options
  const stopBot = live === false ? undefined : startLiveBot(hub, live === true ? {} : live)

  const address = server.address()
  return {
    host,
    port: typeof address === 'object' && address !== null ? address.port : port,
    get connections() {
      return sockets.size
    },
    limitHits: db.limitHits,
    close() {
      stopBot?.()
      return new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
    },
  }
}

/** Reads fixtures/demo.json. */
function bundledData(): DemoData {
  return readDemoData(JSON.parse(readFileSync(new URL('../../fixtures/demo.json', import.meta.url), 'utf8')))
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Workers of node:cluster would otherwise share a random port, and each get some of the connections.
    server.listen({ port, host, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/**
 * Reads the requests of one client and replies to them in order, as fast as the client reads the replies.
 *
 * @param connect creates the session when the greeting of the client arrives
 */
function serve(hub: Hub, socket: Socket, connect: (hello: string) => Session): void {
  const waiting: Buffer[] = []
  let session: Session | undefined
  let hasBegun = false

  const refuse = (text: string): void => {
    waiting.length = 0
    socket.end(text)
    socket.removeListener('data', onData)
    socket.resume()
    setTimeout(() => socket.destroy(), 1000).unref()
  }

  const work = (): void => {
    while (waiting.length > 0 && socket.writable) {
      if (socket.writableLength > MAX_UNREAD_REPLIES) {
        socket.pause()
        return
      }
      const message = waiting.shift() as Buffer
      if (session !== undefined) {
        answer(hub, session, socket, message)
        continue
      }
      const hello = readHello(message)
      if (hello === undefined) {
        refuse(UNSUPPORTED)
        return
      }
      session = connect(hello)
      socket.setTimeout(0)
      socket.write('LysKOM\n')
    }
    if (socket.isPaused()) socket.resume()
  }

  const framer = new Framer((message) => waiting.push(message), MAX_REQUEST_BYTES)

  function onData(chunk: Buffer): void {
    if (!hasBegun && chunk[0] !== A) {
      refuse(UNSUPPORTED)
      return
    }
    hasBegun = true
    let isReadable = true
    try {
      framer.push(chunk)
    } catch {
      isReadable = false
    }
    work()
    // Requests before the invalid one get their replies; the bytes after it are unreadable.
    if (!isReadable) refuse(PROTOCOL_ERROR)
  }

  socket.on('data', onData)
  socket.on('drain', work)
  socket.setTimeout(HELLO_MS, () => socket.destroy())
}

/**
 * Parses the greeting, `A` and a string, e.g. `A4Hu%%h`, and returns the string. Returns undefined if it is invalid.
 */
function readHello(message: Buffer): string | undefined {
  try {
    return new Reader(message, 1).latin1()
  } catch {
    return undefined
  }
}

/** Writes the reply to a request, or a protocol error. */
function answer(hub: Hub, session: Session, socket: Socket, message: Buffer): void {
  // lyskomd treats a line feed as a space and thus ignores empty lines.
  if (isBlank(message)) return
  const later: (() => void)[] = []
  try {
    socket.write(reply({ ...hub, session, afterReply: (action) => later.push(action) }, message))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    // As in lyskomd, the connection stays open.
    socket.write(PROTOCOL_ERROR)
  }
  for (const action of later) action()
}

function reply(context: Context, message: Buffer): Buffer {
  const { refNo, name, reader } = readRequest(message)
  if (name === undefined || HANDLERS[name] === undefined) return writeError(refNo, KomError.of('not-implemented', 0))
  // As in lyskomd, data after the last parameter is ignored.
  const params: unknown = (CALLS[name].params as AnyCodec).read(reader)
  try {
    const handler = HANDLERS[name] as (context: Context, params: unknown) => never
    return writeReply<CallName>(refNo, name, handler(context, params))
  } catch (error) {
    return writeError(refNo, error instanceof KomError ? error : KomError.of('internal-error', 0))
  }
}

function isBlank(message: Buffer): boolean {
  return message.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d)
}
