import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { BareClient, type BareRequest } from './bare-client.ts'

/** Groups of calls. The calls of a group are sent together, the next group after all replies. */
export type BareRoute = readonly (readonly BareRequest[])[]

/** A minimal Hono server: `/hello` with a few bytes of JSON. Returns its port. */
export async function listenHello(): Promise<number> {
  return await listen(new Hono().get('/hello', (c) => c.json({ hello: 'world' })))
}

/**
 * A minimal gateway with Hono: each route writes its calls to a raw socket, waits for the replies and responds with a
 * few bytes of JSON. It does not decode, validate or log anything. The header `Httpkom-Connection` selects the socket,
 * a number from 0 to `count - 1`.
 *
 * @param setUp the calls that each socket makes first
 * @returns the port
 */
export async function listenBareGateway(
  lyskomPort: number,
  count: number,
  routes: Readonly<Record<string, BareRoute>>,
  setUp: readonly BareRequest[] = [],
): Promise<number> {
  const clients = await Promise.all(Array.from({ length: count }, () => BareClient.connect(lyskomPort, true)))
  for (const client of clients) if (setUp.length > 0) await client.exchange(setUp.map(BareClient.format))
  const app = new Hono()
  for (const [path, levels] of Object.entries(routes)) {
    const requests = levels.map((calls) => calls.map(BareClient.format))
    app.get(path, async (c) => {
      const client = clients[Number(c.req.header('Httpkom-Connection'))]
      if (client === undefined) return c.json({ error: 'no such socket' }, 403)
      for (const level of requests) await client.exchange(level)
      return c.json({ levels: requests.length })
    })
  }
  return await listen(app)
}

async function listen(app: Hono): Promise<number> {
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
