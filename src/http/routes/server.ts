import { Hono } from 'hono'
import { getServerInfo } from '../../lyskom/server-info.ts'
import type { AppOptions, Env } from '../context.ts'
import { serverInfoJson } from '../json.ts'
import { requireSession } from '../middleware/connection-id.ts'
import { json } from '../node/responses.ts'

/** Information about the LysKOM server; mounted under `/<server id>/server`. */
export function serverRoutes(options: AppOptions) {
  return new Hono<Env>({ strict: false }).get('/info', requireSession(options, 'header-or-query'), async (c) =>
    json(serverInfoJson(await getServerInfo(c.get('session').lyskom))),
  )
}
