import { getServerInfo } from '../../lyskom/server-info.ts'
import { json } from '../node/responses.ts'
import { serverInfoJson } from '../output/json.ts'
import { ServerInfo } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

/** Information about the LysKOM server. */
export function serverRoutes(): AnyRoute[] {
  return [
    route({
      method: 'GET',
      path: '/:server/server/info',
      operation: 'getServerInfo',
      summary: "Returns the server's version and special conferences",
      needs: 'session',
      idFrom: 'header-or-query',
      responses: { 200: { schema: ServerInfo } },
      example: {},
      handle: async (c) => json(serverInfoJson(await getServerInfo(c.get('session').lyskom))),
    }),
  ]
}
