import type * as OpenTelemetry from '@opentelemetry/api'
import type { CallTracer } from '../connection/call-tracer.ts'
import type { Logger } from './logger.ts'

/** The OpenTelemetry SDK in use: the HTTP application creates the spans of requests, and this module those of calls. */
export interface Tracing {
  readonly api: Api
  readonly tracer: OpenTelemetry.Tracer
  readonly onCall: CallTracer
  /** Flushes the pending spans. Never rejects. */
  close(): Promise<void>
}

type Api = typeof OpenTelemetry

/** The parts of the SDK in use. It exports a matching API: an API of another version would not reach this SDK. */
interface Sdk {
  api: Api
  NodeSDK: new (options: { serviceName: string }) => { start(): void; shutdown(): Promise<void> }
}

type Environment = Readonly<Record<string, string | undefined>>

const NAME = 'komgate'
/** Not installed with komgate: few operators use it, and it is larger than all other dependencies together. */
const SDK = '@opentelemetry/sdk-node'

/**
 * Starts tracing if OpenTelemetry's own environment variables enable it, else loads nothing. Logs a warning if they do
 * and the SDK is not installed.
 */
export async function startTracing(
  env: Environment,
  log: Logger,
  load: () => Promise<Sdk> = () => import(SDK),
): Promise<Tracing | undefined> {
  if (!isWanted(env)) return undefined
  const sdk = await load().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    log.warn(`tracing: ${SDK} is not installed, so no traces are exported`)
  })
  if (sdk === undefined) return undefined
  const { api } = sdk
  const node = new sdk.NodeSDK({ serviceName: env.OTEL_SERVICE_NAME ?? NAME })
  node.start()
  const tracer = api.trace.getTracer(NAME)
  return {
    api,
    tracer,
    onCall: callSpans(api, tracer),
    close: () => node.shutdown().catch((error: unknown) => log.warn({ err: error }, 'the last traces are lost')),
  }
}

function isWanted(env: Environment): boolean {
  const exporter = env.OTEL_TRACES_EXPORTER
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter === 'none') return false
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || exporter)
}

/** Creates a span for each call within a request; the gateway's own calls have no parent span and get none. */
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
