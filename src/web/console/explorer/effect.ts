import type { Operation } from './operations.ts'

/** What a request does to what others see or to what is stored. */
export type Effect = 'reads' | 'changes' | 'destroys'

/** Calls that only read, by the beginnings of their names. */
const READING = /^(?:get|lookup|re|who|query|find|first|local|map)-/
/** Calls that concern the own session alone. */
const OF_SESSION =
  /^(?:login|login-old|logout|user-active|accept-async|set-client-version|set-connection-time-format|change-what-i-am-doing|change-conference|enable)$/
const DESTROYING = /^(?:delete|sub|disconnect|shutdown)-?/
/** Other routes with POST that change nothing, or only the own session. */
const HARMLESS = new Set([
  'openSession',
  'login',
  'logout',
  'reportActivity',
  'setWorkingConference',
  'createTicket',
  'getTextStats',
  'start',
  'sessmanGet',
  'microappValidate',
  'checkServer',
])
/** Routes of the compatibility APIs that change something by GET. */
const CHANGING_BY_GET = /\/(?:new|update|add_session\.cgi|expire_session\.cgi)$/

/** Returns what a request does. @param body the JSON of the request, if it has one */
export function effectOf({ id, method, path, call }: Operation, body: unknown): Effect {
  if (id === 'batch') return effectOfBatch(body)
  if (call !== undefined) {
    if (READING.test(call) || OF_SESSION.test(call)) return 'reads'
    return DESTROYING.test(call) ? 'destroys' : 'changes'
  }
  if (method === 'DELETE') return 'destroys'
  if (method === 'GET') return CHANGING_BY_GET.test(path) ? 'changes' : 'reads'
  return HARMLESS.has(id) ? 'reads' : 'changes'
}

function effectOfBatch(body: unknown): Effect {
  const { requests } = (body ?? {}) as { requests?: unknown }
  const methods = Array.isArray(requests)
    ? requests.map((each) => String((each as { method?: unknown } | null)?.method))
    : []
  if (methods.includes('DELETE')) return 'destroys'
  return methods.every((method) => method === 'GET' || method === 'HEAD') ? 'reads' : 'changes'
}
