import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

/** A minimal Hono server: one route, a few bytes of JSON. Returns its port. */
export async function listen(): Promise<number> {
  const app = new Hono().get('/hello', (c) => c.json({ hello: 'world' }))
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
