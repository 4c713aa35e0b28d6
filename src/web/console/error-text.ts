import { GatewayError } from './gateway.ts'
import { t } from './strings.ts'

/** Returns what a failed request means to the operator, in their language. */
export function errorText(error: unknown): string {
  const strings = t.value
  if (!(error instanceof GatewayError)) return strings.failed(String(error))
  if (error.status === 429) return strings.tooMany(error.retryAfter)
  if (error.isAway) return strings.away
  return strings.failed(error.message)
}
