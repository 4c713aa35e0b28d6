/**
 * Node 20 answers a request that its parser rejects with a 400 without a body. It writes this 400 immediately and
 * closes the connection, so the responses to the earlier pipelined requests are lost (compare nodejs/node#34465).
 */

import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { KomgateError } from '../../protocol/komgate-error.ts'
import { LimitError, type LimitName } from '../../sessions/limit-error.ts'
import { publicError } from '../errors/public-error.ts'
import { RequestError } from '../errors/request-error.ts'
import type { Connections } from './connections.ts'
import { closeWithError } from './raw-response.ts'

/**
 * Gives the errors that Node's HTTP server answers itself a JSON body, and sends them after the responses to the
 * earlier requests.
 */
export function answerNodeErrors(server: Server, connections: Connections, onLimit?: (limit: LimitName) => void): void {
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket
    const connection = connections.of(socket)
    // Node emits the error again for each further chunk.
    if (connection?.hasFailed) return
    if (connection === undefined || !socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const rejection = rejectionOf(error)
    if (rejection instanceof LimitError) onLimit?.(rejection.code)
    connection.fail(() => void closeWithError(socket, rejection))
  })
  server.on(
    'checkExpectation',
    connections.inOrder((_, response) => rejectExpectation(response)),
  )
}

function rejectExpectation(response: ServerResponse): void {
  const error = new RequestError('expectation-failed', 'Expect must be 100-continue.')
  const { status, fields } = publicError(error)
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(fields))
}

function rejectionOf({ code }: NodeJS.ErrnoException): KomgateError {
  if (code === 'HPE_HEADER_OVERFLOW') return new LimitError('header-size', 'The headers are too large.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new LimitError('request-time', 'The request was not complete in time.')
  return new RequestError('invalid-request', 'The request is not HTTP.')
}
