import {
  LimitError,
  LyskomError,
  NotLoggedInError,
  RequestError,
  SessionLostError,
  UnavailableError,
} from 'komgate/client'
import { t } from './strings/index.ts'

const NOT_PERMITTED = new Set(['PermissionDenied', 'AccessDenied', 'NotMember', 'ConferenceProtected'])

/** Limits on lengths; the others are on numbers and rates. */
const TOO_LONG = new Set<string>(['body-size', 'reply-size', 'batch-size'])

/** Returns what an error means to the person, in their language. */
export function errorText(error: unknown): string {
  const strings = t.value
  if (error instanceof LyskomError) {
    if (error.name === 'NoSuchText') return strings.textIsGone
    return NOT_PERMITTED.has(error.name) ? strings.notPermitted : strings.refused(error.name)
  }
  if (error instanceof LimitError) {
    return TOO_LONG.has(error.limit) ? strings.tooLong : strings.tooMany(error.retryAfter)
  }
  if (error instanceof UnavailableError) return strings.unavailable
  if (error instanceof SessionLostError || error instanceof NotLoggedInError) return strings.sessionHasEnded
  if (error instanceof RequestError && error.httpStatus < 500) return strings.invalid(error.message)
  return strings.failed
}
