import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import { networkOf } from '../../sessions/network.ts'
import { HeldResponses } from '../batch/held-responses.ts'
import { BatchBody, parseBatch } from '../batch/requests.ts'
import { allAsJson, asLines } from '../batch/responses.ts'
import { type RunContext, runBatch } from '../batch/run.ts'
import type { Env } from '../env.ts'
import { releaseSession } from '../middleware/current-session.ts'
import { ndjsonStream, writtenJson } from '../node/responses.ts'
import type { UnreadBudget } from '../node/unread-budget.ts'
import { BatchResponses } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

const JSON_TYPE = 'application/json'
const NDJSON_TYPE = 'application/x-ndjson'
/** The application handles requests by their path alone. */
const ORIGIN = 'http://localhost'

/** Options of `batchRoute`. */
export interface BatchRouteOptions extends Pick<RunContext, 'fetch' | 'observers'> {
  /** the prefix of every path, `/kom` for example; empty for none */
  basePath: string
  /** the size limit of a request body, bytes */
  maxBodyBytes: number
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** bounds the memory of the responses until they are sent */
  unreadBudget: UnreadBudget
}

/** Many requests in one. */
export function batchRoute({
  fetch,
  basePath,
  maxBodyBytes,
  clientAddress,
  unreadBudget,
  observers,
}: BatchRouteOptions): AnyRoute {
  return route({
    method: 'POST',
    path: '/:server/batch',
    operation: 'batch',
    summary: 'Sends up to 100 requests',
    description:
      'The requests run concurrently, except those that wait for what they depend on. With ' +
      '`Accept: application/x-ndjson`, each response is a line of JSON of its own, sent as soon as it is ready.',
    needs: 'session',
    uses: [],
    isBatchable: false,
    body: BatchBody,
    responses: { 200: { schema: BatchResponses, isAlsoLines: true } },
    rejects: ['invalid-field'],
    example: {
      body: {
        requests: [
          { id: 'me', method: 'GET', url: '/sessions/current/who-am-i' },
          { id: 'unread', method: 'GET', url: '/persons/{me#/person/pers_no}/memberships/8/unread' },
        ],
      },
    },
    async handle(c, { body }) {
      const batch = parseBatch(body)
      const session = c.get('session')
      const address = clientAddress(c)
      // A request of the batch may close the session, which waits for all other requests in flight.
      releaseSession(c)
      const held = new HeldResponses(unreadBudget, networkOf(address), c.env?.outgoing)
      const run: RunContext = {
        fetch,
        root: `${ORIGIN}${basePath}/${session.serverId}`,
        bindings: { batch: { session, clientAddress: address, afterResponse: afterResponse(c) } },
        requestId: c.get('requestId'),
        maxBodySize: maxBodyBytes,
        signal: c.req.raw.signal,
        held,
        observers,
      }
      const responses = runBatch(batch, run)
      const type = accepts(c, { header: 'Accept', supports: [JSON_TYPE, NDJSON_TYPE], default: JSON_TYPE })
      return type === NDJSON_TYPE
        ? ndjsonStream(asLines(responses, held))
        : writtenJson(await allAsJson(batch.requests, responses, held))
    },
  })
}

/** Returns a function that runs work when the response to a request is written, or at once if it will not be. */
function afterResponse(c: Context<Env>): (work: () => void) => void {
  const outgoing = c.env?.outgoing
  // A response without an open connection emits no `close`.
  let waiting: (() => void)[] | undefined = outgoing?.socket?.destroyed === false ? [] : undefined
  outgoing?.once('close', () => {
    const all = waiting ?? []
    waiting = undefined
    for (const work of all) work()
  })
  return (work) => {
    if (waiting === undefined) work()
    else waiting.push(work)
  }
}
