import { AsyncLocalStorage } from 'node:async_hooks'
import * as api from '@opentelemetry/api'

/** A span that has ended. */
export interface RecordedSpan {
  name: string
  kind: string
  traceId: string
  spanId: string
  parentId: string | undefined
  attributes: Record<string, unknown>
  isError: boolean
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/

/**
 * Returns a replacement for OpenTelemetry's SDK, which is not installed, that records spans, and the recorded spans.
 */
export function recordingSdk() {
  const spans: RecordedSpan[] = []
  const services: string[] = []
  let lastId = 0
  const nextId = (length: number): string => (++lastId).toString(16).padStart(length, '0')

  const tracer: api.Tracer = {
    startSpan(name, options = {}, context = api.context.active()) {
      const parent = api.trace.getSpanContext(context)
      const recorded: RecordedSpan = {
        name,
        kind: api.SpanKind[options.kind ?? api.SpanKind.INTERNAL],
        traceId: parent?.traceId ?? nextId(32),
        spanId: nextId(16),
        parentId: parent?.spanId,
        attributes: { ...options.attributes },
        isError: false,
      }
      const span: api.Span = {
        spanContext: () => ({ ...recorded, traceFlags: api.TraceFlags.SAMPLED }),
        setAttribute: (key, value) => {
          recorded.attributes[key] = value
          return span
        },
        setAttributes: (attributes) => {
          Object.assign(recorded.attributes, attributes)
          return span
        },
        setStatus: ({ code }) => {
          recorded.isError = code === api.SpanStatusCode.ERROR
          return span
        },
        updateName: (newName) => {
          recorded.name = newName
          return span
        },
        end: () => void spans.push(recorded),
        addEvent: () => span,
        addLink: () => span,
        addLinks: () => span,
        isRecording: () => true,
        recordException: () => undefined,
      }
      return span
    },
    startActiveSpan: () => {
      throw new Error('startActiveSpan is not implemented')
    },
  }

  class NodeSDK {
    constructor({ serviceName }: { serviceName: string }) {
      services.push(serviceName)
    }

    start(): void {
      api.context.setGlobalContextManager(contextManager())
      api.propagation.setGlobalPropagator(propagator)
      api.trace.setGlobalTracerProvider({ getTracer: () => tracer })
    }

    shutdown(): Promise<void> {
      api.context.disable()
      api.propagation.disable()
      api.trace.disable()
      return Promise.resolve()
    }
  }
  return { sdk: { api, NodeSDK }, spans, services }
}

const propagator: api.TextMapPropagator = {
  inject: () => undefined,
  extract: (context, carrier, getter) => {
    const [, traceId, spanId] = TRACEPARENT.exec(String(getter.get(carrier, 'traceparent'))) ?? []
    if (traceId === undefined || spanId === undefined) return context
    return api.trace.setSpanContext(context, { traceId, spanId, traceFlags: api.TraceFlags.SAMPLED, isRemote: true })
  },
  fields: () => ['traceparent'],
}

function contextManager(): api.ContextManager {
  const storage = new AsyncLocalStorage<api.Context>()
  const manager: api.ContextManager = {
    active: () => storage.getStore() ?? api.ROOT_CONTEXT,
    with: (context, call, thisArg, ...args) => storage.run(context, () => call.apply(thisArg, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => {
      storage.disable()
      return manager
    },
  }
  return manager
}
