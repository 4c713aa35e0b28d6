import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { LimitName } from '../../sessions/limit-error.ts'
import type { Connections } from './connections.ts'
import { closeWith } from './raw-response.ts'

/**
 * Gives the errors that Node's HTTP server answers itself a JSON body, and sends them after the responses to the
 * earlier requests. Node writes its own 400 to the socket immediately, before responses that are not ready yet.
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
    const { status, message, limit } = CLIENT_ERRORS[error.code ?? ''] ?? NOT_HTTP
    if (limit !== undefined) onLimit?.(limit)
    connection.fail(() => void closeWith(socket, status, { error_type: 'httpkom', error_msg: message, limit }))
  })
  server.on(
    'checkExpectation',
    connections.inOrder((_, response) => rejectExpectation(response)),
  )
}

function rejectExpectation(response: ServerResponse): void {
  const body = JSON.stringify({ error_type: 'httpkom', error_msg: 'Nothing else is expected than 100-continue.' })
  response.writeHead(417, { 'Content-Type': 'application/json' }).end(body)
}

interface ClientError {
  status: number
  message: string
  limit?: LimitName
}

const NOT_HTTP: ClientError = { status: 400, message: 'The request is not HTTP.' }
const CLIENT_ERRORS: Readonly<Partial<Record<string, ClientError>>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The headers are too large.', limit: 'header-size' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request did not come in time.', limit: 'request-time' },
}
