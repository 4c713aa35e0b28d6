import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/**
 * What stands before a gateway: nothing, a gateway that is away, a proxy whose gateway is away, a gateway without the web
 * client, or a gateway whose web client is of another version.
 */
export type FrontMode = 'there' | 'away' | 'bad-gateway' | 'web-off' | 'new-version'

/** A reverse proxy of a gateway, which browsers take for the gateway itself. */
export interface WebFront {
  url: string
  /** Changes what the front does, and ends its connections. */
  become(mode: FrontMode): void
  close(): Promise<void>
}

const SCRIPT = /\breader-[A-Z0-9]+\.js\b/g
/** The version in the service worker. */
const VERSION = /"[0-9a-f]{12}"/
const NEW_SCRIPT = 'reader-NEWSCRPT.js'

/** Starts a front. @param target URL of the gateway without its base path */
export async function startWebFront(target: string): Promise<WebFront> {
  let mode: FrontMode = 'there'
  let oldScript = ''
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const path = (incoming.url ?? '').replace(NEW_SCRIPT, oldScript)
    const isPage = /\/app\/(?:sw\.js)?$/.test(path)
    const { 'if-none-match': _, ...headers } = incoming.headers
    const sent = request(new URL(path, target), {
      method: incoming.method,
      headers: isPage ? headers : incoming.headers,
    })
    sent.on('response', async (response) => {
      if (!isPage) {
        outgoing.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(outgoing)
        return
      }
      const text = (await buffer(response)).toString()
      oldScript = SCRIPT.exec(text)?.[0] ?? oldScript
      SCRIPT.lastIndex = 0
      const body = mode === 'new-version' ? text.replace(SCRIPT, NEW_SCRIPT).replace(VERSION, '"new"') : text
      const { etag, 'content-length': length, ...others } = response.headers
      outgoing.writeHead(response.statusCode ?? 502, others).end(body)
    })
    sent.on('error', () => outgoing.destroy())
    outgoing.on('close', () => sent.destroy())
    incoming.pipe(sent)
  }
  const server = createServer((incoming, outgoing) => {
    if (mode === 'away') incoming.socket.destroy()
    else if (mode === 'bad-gateway')
      outgoing.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad Gateway</h1>')
    else if (mode === 'web-off' && incoming.url?.includes('/app/')) outgoing.writeHead(404).end('gone')
    else forward(incoming, outgoing)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    become(next) {
      mode = next
      server.closeAllConnections()
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
