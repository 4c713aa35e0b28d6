import { Hono } from 'hono'
import { getServerInfo } from '../../lyskom/server-info.ts'
import type { AppOptions, Env } from '../context.ts'
import { serverInfoJson } from '../json.ts'
import { sessionMiddleware } from '../middleware/session.ts'
import { json } from '../node/responses.ts'

/** Information about the LysKOM server; mounted under `/<server id>/server`. */
export function serverRoutes(options: AppOptions) {
  const { requireSessionWithQuery } = sessionMiddleware(options)

  return new Hono<Env>({ strict: false }).get('/info', requireSessionWithQuery, async (c) =>
    json(serverInfoJson(await getServerInfo(c.get('session').lyskom))),
  )
}
