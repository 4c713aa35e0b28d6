/**
 * A Hono application with a page of its own and the komgate API below /httpkom.
 *
 *     npx tsx examples/embed.ts
 */
import type { Server } from 'node:http'
import { type HttpBindings, serve, type WebSocketServerLike } from '@hono/node-server'
import { Hono } from 'hono'
import { createGateway } from 'komgate'
import { pino } from 'pino'
import { WebSocketServer } from 'ws'

const logger = pino()
const gateway = await createGateway({
  servers: { demo: { name: 'Demo LysKOM', demo: true } },
  http: { basePath: '/httpkom', corsOrigins: [] },
  limits: { maxSessions: 100 },
  logger,
})

const app = new Hono<{ Bindings: HttpBindings }>()
  .get('/', (c) => c.html('<h1>Our LysKOM</h1><p>Its servers: <a href="/httpkom/">/httpkom/</a></p>'))
  .all('/httpkom/*', (c) => gateway.fetch(c.req.raw, c.env))

const server = serve({
  fetch: app.fetch,
  hostname: '127.0.0.1',
  port: Number(process.env.PORT ?? 8080),
  // Without this option the gateway's WebSocket is not available.
  websocket: { server: new WebSocketServer({ noServer: true }) as WebSocketServerLike },
}) as Server
server.once('listening', () => logger.info(server.address() ?? {}, 'listening'))

async function shutDown(): Promise<void> {
  gateway.refuse()
  server.close()
  // Ends the LysKOM sessions: requests in flight get their responses, WebSockets are closed.
  await gateway.close()
  server.closeAllConnections()
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void shutDown())
