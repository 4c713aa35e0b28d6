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

/** Returns what an error means to the person, in their language. */
export function errorText(error: unknown): string {
  const strings = t.value
  if (error instanceof LyskomError) {
    if (error.name === 'NoSuchText') return strings.textIsGone
    return NOT_PERMITTED.has(error.name) ? strings.notPermitted : strings.refused(error.name)
  }
  if (error instanceof LimitError) return strings.tooMany(error.retryAfter)
  if (error instanceof UnavailableError) return strings.unavailable
  if (error instanceof SessionLostError || error instanceof NotLoggedInError) return strings.sessionHasEnded
  if (error instanceof RequestError) return strings.invalid(error.message)
  return strings.failed
}
