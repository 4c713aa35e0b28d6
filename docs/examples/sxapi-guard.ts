/**
 * A basket for everybody who comes, kept in their session: SXAPI's guard in front of one's own routes. Its configuration
 * is a file as SXAPI has it, `sxapi.json` beside this one if no other is named:
 *
 *     npx tsx sxapi-guard.ts [sxapi.json]
 */
import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { session } from 'komgate/session'

const file = process.argv[2] ?? new URL('sxapi.json', import.meta.url)
const profile = JSON.parse(readFileSync(file, 'utf8'))
const guard = session(profile.session, profile.resources)

const app = new Hono()
  .get('/', (c) => c.text('This is for everybody.'))
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

process.once('SIGTERM', () => {
  server.close(() => void guard.close())
})
