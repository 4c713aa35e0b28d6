import { once } from 'node:events'
import type { Server } from 'node:http'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { WebSocketServer } from 'ws'

/** Close code of RFC 6455. */
const GOING_AWAY = 1001

type ServeOptions = Parameters<typeof serve>[0]
export type FetchCallback = ServeOptions['fetch']
type WebSocketServerLike = NonNullable<ServeOptions['websocket']>['server']

export interface ListenOptions {
  host: string
  /** 0 for any */
  port: number
  /** the largest WebSocket message */
  maxBodyBytes: number
  /** for requests in flight to finish when it closes */
  shutdownTimeoutMs: number
}

/** An HTTP server that listens. */
export interface Listener {
  /** e.g. `http://127.0.0.1:5001` */
  readonly url: string
  /** Stops listening, and lets requests in flight finish within the deadline. */
  close(): Promise<void>
}

/** Begins to serve HTTP and WebSockets. Rejects if the address cannot be had. */
export async function listen(fetch: FetchCallback, options: ListenOptions): Promise<Listener> {
  const websockets = new WebSocketServer({ noServer: true, maxPayload: options.maxBodyBytes, perMessageDeflate: false })
  const server = serve({
    fetch: answeringTogether(fetch),
    hostname: options.host,
    port: options.port,
    websocket: { server: websockets as WebSocketServerLike },
  }) as Server
  await once(server, 'listening')
  const inFlight = new InFlight(server)
  answerInJson(server)
  return {
    url: urlOf(server),
    close: async () => {
      for (const client of websockets.clients) client.close(GOING_AWAY, 'this gateway is shutting down')
      await stopListening(server, inFlight, options.shutdownTimeoutMs)
    },
  }
}

/**
 * Lets the answers that one turn of the event loop has brought leave one after the other at its end. Writing each as it
 * comes wakes its reader each time, and that costs about as much as all of a short request.
 */
function answeringTogether(fetch: FetchCallback): FetchCallback {
  let endOfTurn: Promise<void> | undefined
  return async (request, env) => {
    const response = await fetch(request, env)
    endOfTurn ??= setImmediate().then(() => {
      endOfTurn = undefined
    })
    await endOfTurn
    return response
  }
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

/** Takes no more connections and no more requests, and resolves when those in flight are answered, or the time is up. */
async function stopListening(server: Server, inFlight: InFlight, timeoutMs: number): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await Promise.race([inFlight.none(), setTimeout(timeoutMs, undefined, { ref: false })])
  // What is left has no request in flight: connections kept alive, or opened by browsers in advance.
  server.closeAllConnections()
  await closed
}

/** The requests that have come and are not answered. */
class InFlight {
  #count = 0
  #isClosing = false
  #whenNone: (() => void) | undefined

  constructor(server: Server) {
    server.prependListener('request', (_, response) => {
      this.#count++
      if (this.#isClosing) response.setHeader('Connection', 'close')
      response.once('close', () => {
        this.#count--
        if (this.#count === 0) this.#whenNone?.()
      })
    })
  }

  /** Resolves when there are none. From now on clients are told not to send more. */
  none(): Promise<void> {
    this.#isClosing = true
    return new Promise((resolve) => {
      this.#whenNone = resolve
      if (this.#count === 0) resolve()
    })
  }
}

/** What Node itself answers, before any request has come to the application: errors with a body, as all the others. */
function answerInJson(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
    const body = JSON.stringify({
      error_type: 'httpkom',
      error_msg: tooLarge ? 'The headers are too large.' : 'The request is not HTTP.',
    })
    const status = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'
    const headers = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close`
    socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`)
  })
  server.on('checkExpectation', (_, response) => {
    const body = JSON.stringify({ error_type: 'httpkom', error_msg: 'Nothing else is expected than 100-continue.' })
    response.writeHead(417, { 'Content-Type': 'application/json' }).end(body)
  })
}
