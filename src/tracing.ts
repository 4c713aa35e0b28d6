import type * as OpenTelemetry from '@opentelemetry/api'
import type { MiddlewareHandler } from 'hono'
import type { Logger } from 'pino'
import type { CallTracer } from './connection/call-tracer.ts'
import type { Env } from './http/context.ts'
import { requestSpans } from './http/middleware/spans.ts'

/** What makes spans of requests, and of calls to LysKOM servers below them. */
export interface Tracing {
  readonly requestSpans: MiddlewareHandler<Env>
  readonly onCall: CallTracer
  /** Sends what has not been sent. Never rejects. */
  close(): Promise<void>
}

type Api = typeof OpenTelemetry

/** What is used of the SDK. It brings the API that it understands along: one of another version would go unheard. */
interface Sdk {
  api: Api
  NodeSDK: new (options: { serviceName: string }) => { start(): void; shutdown(): Promise<void> }
}

type Environment = Readonly<Record<string, string | undefined>>

const NAME = 'komgate'
/** Not installed with komgate: few need it, and it is larger than all the rest together. */
const SDK = '@opentelemetry/sdk-node'

/**
 * Begins to trace where OpenTelemetry's own environment variables ask for it, and loads nothing where they do not.
 * Where they do and the SDK is not installed, the log says so.
 */
export async function startTracing(
  env: Environment,
  log: Logger,
  load: () => Promise<Sdk> = () => import(SDK),
): Promise<Tracing | undefined> {
  if (!isWanted(env)) return undefined
  const sdk = await load().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    log.warn(`OpenTelemetry is asked for, but ${SDK} is not installed: there are no traces`)
  })
  if (sdk === undefined) return undefined
  const { api } = sdk
  const node = new sdk.NodeSDK({ serviceName: env.OTEL_SERVICE_NAME ?? NAME })
  node.start()
  const tracer = api.trace.getTracer(NAME)
  return {
    requestSpans: requestSpans(api, tracer),
    onCall: callSpans(api, tracer),
    close: () => node.shutdown().catch((error: unknown) => log.warn({ err: error }, 'the last traces are lost')),
  }
}

function isWanted(env: Environment): boolean {
  const exporter = env.OTEL_TRACES_EXPORTER
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter === 'none') return false
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || exporter)
}

/** A span for each call that is made for a request; those that komgate makes by itself have none to be below. */
function callSpans(api: Api, tracer: OpenTelemetry.Tracer): CallTracer {
  return (call) => {
    if (api.trace.getActiveSpan() === undefined) return undefined
    const attributes = { 'rpc.system': 'lyskom', 'rpc.method': call }
    const span = tracer.startSpan(call, { kind: api.SpanKind.CLIENT, attributes })
    return (error) => {
      if (error !== undefined) {
        span.setAttribute('error.type', error)
        span.setStatus({ code: api.SpanStatusCode.ERROR })
      }
      span.end()
    }
  }
}
