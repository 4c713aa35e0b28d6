import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

interface Fault {
  method: string
  path: RegExp
  /** the status of the response; without it the connection is reset */
  status?: number
  retryAfter?: number
  /** whether the gateway handles the request before the fault */
  isCarriedOut?: boolean
}

interface ReceivedRequest {
  method: string
  /** with the query */
  path: string
  /** when it arrived, as `performance.now()` */
  at: number
}

/** An HTTP proxy in front of a gateway. */
export interface FaultyGateway {
  url: string
  /** the requests in their order */
  requests: ReceivedRequest[]
  /** Fails the next request that matches. */
  failNext(fault: Fault): void
  close(): Promise<void>
}

/** Starts a proxy that passes requests on to a gateway and fails those that a test chooses. */
export async function startFaultyGateway(gatewayUrl: string): Promise<FaultyGateway> {
  const requests: ReceivedRequest[] = []
  const faults: Fault[] = []
  const server = createServer((incoming, outgoing) => {
    // The gateway or the client has closed its connection.
    handle(incoming, outgoing).catch(() => outgoing.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = incoming
    requests.push({ method, path, at: performance.now() })
    const body = await buffer(incoming)
    const chosen = faults.findIndex((fault) => fault.method === method && fault.path.test(path))
    const fault = chosen === -1 ? undefined : faults.splice(chosen, 1)[0]
    if (fault === undefined || fault.isCarriedOut) {
      const response = await forward(incoming, body)
      if (fault === undefined) {
        outgoing.writeHead(response.status, Object.fromEntries(response.headers))
        outgoing.end(await response.text())
        return
      }
    }
    if (fault.status === undefined) {
      outgoing.destroy()
      return
    }
    if (fault.retryAfter !== undefined) outgoing.setHeader('Retry-After', fault.retryAfter)
    outgoing.writeHead(fault.status, { 'Content-Type': 'application/json' })
    outgoing.end('{"error_type":"httpkom","error_msg":"injected fault"}')
  }

  function forward({ method = '', url = '', headers }: IncomingMessage, body: Buffer): Promise<Response> {
    const id = headers['httpkom-connection']
    return fetch(gatewayUrl + url, {
      method,
      headers: { 'Content-Type': 'application/json', ...(typeof id === 'string' && { 'Httpkom-Connection': id }) },
      ...(body.length > 0 && { body: new Uint8Array(body) }),
    })
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    failNext: (fault) => void faults.push(fault),
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
