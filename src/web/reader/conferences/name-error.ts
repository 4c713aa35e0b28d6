import { LyskomError, RequestError } from 'komgate/client'
import { t } from './strings.ts'

/** Returns what is wrong with the name of a new conference or person; undefined if the error is about something else. */
export function nameError(error: unknown): string | undefined {
  const strings = t.value
  // The name is the only field that the gateway may reject.
  if (error instanceof RequestError && error.httpStatus === 400) return strings.nameIsForeign
  if (!(error instanceof LyskomError)) return undefined
  switch (error.name) {
    case 'ConferenceExists':
    case 'PersonExists':
      return strings.conferenceExists
    case 'BadName':
      return strings.nameIsBad
    case 'StringTooLong':
      return strings.nameIsLong(error.status)
    default:
      return undefined
  }
}
