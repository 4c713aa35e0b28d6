import { type WebsocketOptions, websocket } from '../events/websocket.ts'
import { type AnyRoute, route } from './route.ts'

/** The WebSocket of all LysKOM servers. */
export function websocketRoute(options: WebsocketOptions): AnyRoute {
  return route({
    method: 'GET',
    path: '/websocket',
    operation: 'openWebsocket',
    summary: 'Opens a WebSocket',
    needs: 'session',
    uses: [],
    idFrom: 'header-query-or-ticket',
    responses: { 101: {} },
    rejects: ['invalid-request', 'foreign-origin', 'websockets-per-session'],
    handle: websocket(options),
  })
}
