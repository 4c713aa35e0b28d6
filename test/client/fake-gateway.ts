/** A gateway of msw, whose responses a test chooses. */
import { HttpResponse, type HttpResponseResolver, http } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type ConnectOptions, connect, type Kom } from '../../src/client/index.ts'

export const GATEWAY = 'http://gateway.example/base'
const ID = 'connection-id'
const LOST = 'X-Lost'

/** A request that the gateway has received. */
export interface Received {
  method: string
  /** below the server id, with the query */
  url: string
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
  json: any
  signal: AbortSignal
}

/** Returns the response to a request. */
export type Respond = (request: Received) => Response | Promise<Response>

export interface FakeGateway {
  /** the requests of the current test, without those that open sessions */
  requests: Received[]
  /** Responds to the next requests with these functions, and with the last of them from then on. */
  respond(...responses: Respond[]): void
  /** Opens a session, with delays of milliseconds between retries. */
  open(options?: Partial<ConnectOptions>): Promise<Kom>
}

/** Starts the gateway for the tests of a file. */
export function useFakeGateway(): FakeGateway {
  const requests: Received[] = []
  let responses: Respond[] = []
  const answer: HttpResponseResolver = async ({ request }) => {
    const text = await request.clone().text()
    const { pathname, search } = new URL(request.url)
    const url = decodeURI(pathname.replace('/base/demo', '') + search)
    const json = text === '' ? undefined : JSON.parse(text)
    const received = { method: request.method, url, headers: request.headers, json, signal: request.signal }
    requests.push(received)
    const respond = responses.length > 1 ? responses.shift() : responses[0]
    if (respond === undefined) throw new Error(`unexpected request: ${request.method} ${url}`)
    return await respond(received)
  }
  const server = setupServer(
    http.post(`${GATEWAY}/demo/sessions/`, () =>
      HttpResponse.json({ session_no: 1, connection_id: ID }, { status: 201 }),
    ),
    http.all(`${GATEWAY}/*`, answer),
  )
  beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
  beforeEach(() => {
    requests.length = 0
    responses = []
  })
  afterEach(() => server.resetHandlers())
  afterAll(() => server.close())
  return {
    requests,
    respond(...next) {
      responses = next
    },
    open: (options) =>
      connect({
        url: GATEWAY,
        server: 'demo',
        client: { name: 'test', version: '1' },
        retryBaseMs: 2,
        retryMaxMs: 1500,
        fetch: fetchOrLose,
        ...options,
      }),
  }
}

/** Responds with JSON. */
export function ok(json: unknown): Respond {
  return () => HttpResponse.json(json as object)
}

/** Responds with an error of the gateway. */
export function failure(status: number, fields: object = {}, headers: Record<string, string> = {}): Respond {
  return () => HttpResponse.json({ error_type: 'httpkom', error_msg: 'injected', ...fields }, { status, headers })
}

/** Loses the connection. */
export const lost: Respond = () => new HttpResponse(null, { headers: { [LOST]: '' } })

/**
 * Rejects instead of returning the response of `lost`. `HttpResponse.error()` cannot be used: @hono/node-server replaces
 * the global Response in the processes that these tests share with those of the gateway.
 */
async function fetchOrLose(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request)
  if (response.headers.has(LOST)) throw new TypeError('fetch failed')
  return response
}
