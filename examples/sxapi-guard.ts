/**
 * A shop in which each visitor has a basket, kept in the visitor's session: SXAPI's session guard protects some of the
 * routes. The argument is a configuration file of SXAPI, by default `sxapi.json` in this folder.
 *
 *     npx tsx examples/sxapi-guard.ts [sxapi.json]
 */
import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { session } from 'komgate/session'

const file = process.argv[2] ?? new URL('sxapi.json', import.meta.url)
const profile = JSON.parse(readFileSync(file, 'utf8'))
const guard = session(profile.session, profile.resources)

const app = new Hono()
  .get('/', (c) => c.text('Welcome. This page needs no session.'))
  .use('/basket/*', guard)
  .get('/basket', (c) => c.json(c.get('session').data))
  .put('/basket/:item', async (c) => c.json(await c.get('session').merge({ [c.req.param('item')]: 1 })))
  .delete('/basket/:item', async (c) => c.json(await c.get('session').merge({ [c.req.param('item')]: null })))
  .post('/basket/pay', async (c) => {
    const { data, ip } = c.get('session')
    await c.get('session').end()
    return c.json({ paid: Object.keys(data), from: ip })
  })

const options = { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 8080) }
const server = serve(options, ({ port }) => {
  console.log(`listening on http://localhost:${port}`)
})

const stop = () => server.close(() => void guard.close())
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, stop)
