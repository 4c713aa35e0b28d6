import { ReplyTimeoutError } from '../../index.ts'
import type { Fault } from './kind.ts'

/** Error numbers of a server that is running but does not serve this client at present. */
const BUSY = [
  // too many connections: in total, per host, per user
  1040, 1129, 1203, 1226,
  // access denied, unknown database
  1044, 1045, 1049, 1130, 1698,
  // account locked or password expired, TLS required
  1820, 1862, 3118, 3159, 4151,
  // shutdown, not available, connection killed or idle for too long, statement interrupted or too long
  1053, 1077, 1317, 1927, 1969, 3024, 3168, 4031,
  // packets out of order or truncated
  1152, 1158, 1159, 1160, 1161, 1184,
  // lock wait timeout
  1205,
]
/** Error numbers of `--read-only`, read-only transactions and read-only mode: a replica or a demoted primary. */
const READ_ONLY = [1290, 1792, 1836]
const FULL = [1021, 1114]
const CONFLICTS = [1020, 1213]

/** Classifies an error of `mysql2`. */
export function faultOf(error: unknown): Fault {
  if (error instanceof ReplyTimeoutError) return 'busy'
  const { errno, sqlState } = error as { errno?: unknown; sqlState?: unknown }
  // Errors that the server did not send are connection errors.
  if (typeof errno !== 'number' || sqlState === undefined) return 'unavailable'
  if (FULL.includes(errno)) return 'full'
  if (CONFLICTS.includes(errno)) return 'conflict'
  if (READ_ONLY.includes(errno)) return 'read-only'
  return BUSY.includes(errno) ? 'busy' : 'other'
}
