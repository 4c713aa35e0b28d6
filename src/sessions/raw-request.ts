import { mustFitJson } from '../lyskom/json-size.ts'
import { CALLS, type Reply } from '../protocol/calls/index.ts'
import type { AnyCodec } from '../protocol/codec.ts'
import { readData, readRequest, replyData } from '../protocol/envelope.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { LATIN1 } from '../protocol/writer.ts'
import type { GatewaySession } from './gateway-session.ts'
import { performCall } from './perform-call.ts'

/**
 * Array elements of one request. lyskomd accepts fewer in every call, by default 512 at most; an array of millions would
 * block the event loop for seconds.
 */
const MAX_ELEMENTS = 10_000

/**
 * Performs a request that a client has written in Protocol A. The request is decoded and encoded again, so the server
 * always gets exactly one request.
 * @param text the request without reference number and line feed, such as `78 8`; each character is one byte
 * @returns the data of the reply in the same form
 * @throws ProtocolError if the text is not a request, or if the reply is too long for JSON
 * @throws LimitError if a login limit is reached
 * @throws KomError if the server replies with an error, or if the gateway does not permit the call; `long-array` if the
 * arrays of the request have more than 10,000 elements in all
 */
export async function performRaw(session: GatewaySession, text: string): Promise<string> {
  if (!LATIN1.test(text)) throw new ProtocolError('unwritable', 'a character outside ISO 8859-1')
  const { name, reader } = readRequest(Buffer.from(`0 ${text}\n`, 'latin1'), MAX_ELEMENTS)
  if (name === undefined) throw KomError.of('not-implemented', 0)
  const params = readData(CALLS[name].params as AnyCodec, reader)
  const reply = replyData(name, (await performCall(session, name, params)) as Reply<typeof name>)
  mustFitJson(session.lyskom.connection, reply.length)
  return reply
}
