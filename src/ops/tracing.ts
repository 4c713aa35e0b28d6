import type * as OpenTelemetry from '@opentelemetry/api'
import type { CallTracer } from '../connection/call-tracer.ts'
import type { Logger } from './logger.ts'

/** OpenTelemetry tracing: a span for each HTTP request, and a child span for each call to a LysKOM server. */
export interface Tracing {
  /** the OpenTelemetry API of the installed SDK */
  readonly api: Api
  /** creates the spans */
  readonly tracer: OpenTelemetry.Tracer
  /** creates the span of a call */
  readonly onCall: CallTracer
  /** Exports the pending spans and stops the SDK. Never rejects. */
  close(): Promise<void>
}

type Api = typeof OpenTelemetry

/** The exports of the SDK that are used. An API of another version would not reach the SDK, so its own API is used. */
interface Sdk {
  api: Api
  NodeSDK: new (options: { serviceName: string }) => { start(): void; shutdown(): Promise<void> }
}

type Environment = Readonly<Record<string, string | undefined>>

const NAME = 'komgate'
/** An optional peer dependency, since it is larger than all other dependencies together. */
const SDK = '@opentelemetry/sdk-node'

/**
 * Starts tracing if OpenTelemetry's environment variables enable it. Logs a warning if they do and the SDK is not
 * installed.
 * @param env the environment variables
 * @param log receives warnings
 * @param load imports the SDK; replaced in tests
 * @returns undefined if tracing is not enabled or the SDK is not installed
 */
export async function startTracing(
  env: Environment,
  log: Logger,
  load: () => Promise<Sdk> = () => import(SDK),
): Promise<Tracing | undefined> {
  if (!isEnabled(env)) return undefined
  const sdk = await load().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    log.warn(`OpenTelemetry: ${SDK} is not installed, no traces are exported`)
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
    close: () =>
      node.shutdown().catch((error: unknown) => log.warn({ err: error }, 'OpenTelemetry: the last traces are lost')),
  }
}

function isEnabled(env: Environment): boolean {
  const exporter = env.OTEL_TRACES_EXPORTER
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter === 'none') return false
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || exporter)
}

/** Creates a span for each call that a request makes. The gateway's own calls have no parent span and get no span. */
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
