import { ConnectionError, type ConnectionErrorCode } from '../connection/errors.ts'
import { ServerDownError } from '../sessions/circuit-breaker.ts'
import { StoreError, type StoreErrorCode } from '../store/errors.ts'

/** Texts for errors whose message holds an address or words of the LysKOM server. */
const CONNECTION_TEXT: Readonly<Partial<Record<ConnectionErrorCode, string>>> = {
  unreachable: 'cannot connect to the LysKOM server',
  'connect-refused': 'the LysKOM server refused the connection',
  'connection-rejected': 'the LysKOM server refused the connection',
}

const STORE_TEXT: Readonly<Record<StoreErrorCode, string>> = {
  unavailable: 'The session store cannot be reached.',
  full: 'The session store is full.',
  'cannot-list': 'this kind of store cannot list sessions',
  'too-large': 'This is more than the session store takes.',
  contended: 'too many others write this session',
}

/**
 * Returns the text of an error for clients. Addresses, paths, and messages of drivers, stores and LysKOM servers are
 * left out: only the log holds them.
 */
export function errorText(error: Error): string {
  if (error instanceof StoreError) {
    // Without a cause it is a limit of the gateway, and the message names the field and the size.
    return error.code === 'too-large' && error.cause === undefined ? error.message : STORE_TEXT[error.code]
  }
  if (error instanceof ConnectionError) return CONNECTION_TEXT[error.code] ?? error.message
  if (error instanceof ServerDownError && error.cause instanceof Error) {
    return `the LysKOM server is down: ${errorText(error.cause)}`
  }
  return error.message
}
