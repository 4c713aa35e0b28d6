import { Hono } from 'hono'
import { getServerInfo } from '../../lyskom/server-info.ts'
import type { Env } from '../env.ts'
import type { SessionMiddleware } from '../middleware/session.ts'
import { json } from '../node/responses.ts'
import { serverInfoJson } from '../output/json.ts'

/** Information about the LysKOM server; mounted under `/<server id>/server`. */
export function serverRoutes({ requireSessionWithQuery }: SessionMiddleware) {
  return new Hono<Env>({ strict: false }).get('/info', requireSessionWithQuery, async (c) =>
    json(serverInfoJson(await getServerInfo(c.get('session').lyskom))),
  )
}
