import type { Context } from 'hono'
import { z } from 'zod'
import { EventReader } from '../../sessions/event-reader.ts'
import { EVENT_TYPES } from '../../sessions/event-types.ts'
import { type Registry, RegistryError } from '../../sessions/registry.ts'
import type { PublicError } from '../errors/public-error.ts'
import { EventStream, RETRY_MS } from '../events/event-stream.ts'
import { emptyEventStream, retryField, sinkStreamResponse } from '../events/server-sent-events.ts'
import type { OpenWebsockets } from '../events/websocket-limits.ts'
import { releaseSession } from '../middleware/current-session.ts'
import type { SinkSource, StreamSink } from '../node/direct-stream.ts'
import type { ErrorObservers } from '../output/error-response.ts'
import { type AnyRoute, route } from './route.ts'

const EVENT_STREAM = 'text/event-stream'
const TYPE = `(?:${EVENT_TYPES.join('|')})`
const types = z
  .string()
  .regex(new RegExp(`^${TYPE}(?:,${TYPE})*$`), 'must be types of events, separated by commas.')
  .describe('The types to receive, separated by commas; by default all. `reset`, `person` and `closed` always arrive.')
  .optional()

/** Options of `eventRoute`. */
export interface EventRouteOptions {
  registry: Registry
  /** counts the streams */
  websockets: OpenWebsockets
  observers: ErrorObservers
}

/** The events of a session as server-sent events. */
export function eventRoute({ registry, websockets, observers }: EventRouteOptions): AnyRoute {
  return route({
    method: 'GET',
    path: '/:server/sessions/current/events',
    operation: 'streamEvents',
    tag: 'events',
    summary: 'Streams the events of the session',
    description:
      'Server-sent events. `Last-Event-ID` resumes a stream: every later event follows, or `reset` first. A request that ' +
      'accepts `text/event-stream` alone, as that of `EventSource`, receives an empty stream instead of a 503 or 504.',
    needs: 'session',
    idFrom: 'header-query-or-ticket',
    isBatchable: false,
    query: {
      last_event_id: z.string().describe('As `Last-Event-ID`, which overrides it.').optional(),
      position: z.string().describe('As `last_event_id`, which overrides it: the `position` of a start.').optional(),
      types,
    },
    responses: { 200: { type: EVENT_STREAM } },
    rejects: ['websockets-per-session', 'shutting-down'],
    replaceError: retryLater,
    async handle(c, { query }) {
      if (registry.isDraining) throw new RegistryError('shutting-down', 'the gateway is shutting down')
      const session = c.get('session')
      websockets.check(session)
      const log = await session.events()
      const since = c.req.header('last-event-id') || query.last_event_id || query.position || undefined
      const selection = { since, types: query.types === undefined ? undefined : new Set(query.types.split(',')) }
      const reader = new EventReader(log, selection)
      releaseSession(c)
      return sinkStreamResponse(c.env?.outgoing, (sink) => {
        // Other streams may have opened since the check.
        if (websockets.isFull(session)) {
          observers.onLimit('websockets-per-session')
          return endingSource(sink)
        }
        const onLate = (): void => {
          observers.onLimit('unread-bytes-per-connection')
          stream.stop()
          sink.fail(new Error('the client is too slow'))
        }
        const isNew = since === undefined
        const stream = new EventStream(sink, { session, log, reader, isNew, websockets, onLate })
        return stream
      })
    },
  })
}

/** Ends a stream before its first event. The client connects again. */
function endingSource(sink: StreamSink): SinkSource {
  return {
    resume() {
      sink.write(retryField(RETRY_MS))
      sink.end()
    },
    stop: () => undefined,
  }
}

/** Browsers stop for good when the status is not 200, so those errors that pass are empty streams for them. */
function retryLater({ status, retryAfter }: PublicError, c: Context): Response | undefined {
  if (status !== 503 && status !== 504) return undefined
  if (c.req.header('accept')?.trim().toLowerCase() !== EVENT_STREAM) return undefined
  return emptyEventStream(retryAfter === undefined ? RETRY_MS : retryAfter * 1000)
}
