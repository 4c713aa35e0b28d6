import type { Connection } from '../connection/connection.ts'
import { MAX_JSON_STRING } from '../protocol/bounds.ts'
import { ProtocolError } from '../protocol/errors.ts'

/**
 * Checks that a string of a server is short enough for a JSON response.
 *
 * @param connection reports the bound to its observer
 * @param length length of the string, in characters
 * @throws ProtocolError `over-bound` if `length` exceeds `MAX_JSON_STRING`
 */
export function mustFitJson(connection: Connection, length: number): void {
  if (length <= MAX_JSON_STRING) return
  connection.boundHit('json-string')
  const reason = `a string of ${length} characters, over the bound of ${MAX_JSON_STRING} (json-string)`
  throw new ProtocolError('over-bound', reason, 'json-string')
}
