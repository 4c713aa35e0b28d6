/**
 * Reads and writes the envelopes of messages in both directions: the leading marks, reference numbers, and the numbers
 * of calls and asynchronous messages (chapter Client-Server Dialog). Connections use the client's half, the demo server
 * uses the server's half.
 */
import { CALLS, type CallName, callName, type Params, type Reply } from './calls/index.ts'
import { type AnyCodec, MAX_INT32, type Schema } from './codec.ts'
import { type KomError, ProtocolError } from './errors.ts'
import { type AsyncMessage, MESSAGES, type MessageName, type MessageParams, messageName } from './messages.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

const EQUALS = 0x3d
const PERCENT = 0x25
const COLON = 0x3a

/** The specification does not limit error statuses, and lyskomd echoes values from the request. */
const MAX_STATUS = Number.MAX_SAFE_INTEGER

/** The envelope of a message from the server. */
export type Envelope =
  /** A reply. `reader` is positioned before its data. */
  | { kind: 'reply'; refNo: number; reader: Reader }
  /** An error reply. */
  | { kind: 'error'; refNo: number; errorCode: number; errorStatus: number }
  /** An asynchronous message. `reader` is positioned before its data. */
  | { kind: 'message'; number: number; reader: Reader }
  /** `%%`: the server refuses the stream. `text` is human-readable. */
  | { kind: 'refusal'; text: string }

/**
 * Reads the envelope of a message from the server.
 *
 * @param message the message, LF included
 * @throws ProtocolError `unreadable` if it is none of the four kinds
 */
export function readEnvelope(message: Buffer): Envelope {
  const reader = new Reader(message, 1, true)
  switch (message[0]) {
    case EQUALS:
      return { kind: 'reply', refNo: reader.int(MAX_INT32), reader }
    case PERCENT: {
      if (message[1] === PERCENT) return { kind: 'refusal', text: refusalText(message) }
      const refNo = reader.int(MAX_INT32)
      const errorCode = reader.int(MAX_INT32)
      const errorStatus = reader.anyInt()
      return { kind: 'error', refNo, errorCode, errorStatus }
    }
    case COLON:
      // The number of parameters is not needed: the framer has found the end of the message.
      reader.int(MAX_INT32)
      return { kind: 'message', number: reader.int(MAX_INT32), reader }
    default:
      throw new ProtocolError('unreadable', 'expected a reply, an error reply or an asynchronous message')
  }
}

/**
 * Returns the text of a refusal for use in an error message: at most 198 characters, without control characters.
 *
 * @param message the refusal, from `%%` on
 */
export function refusalText(message: Buffer): string {
  return message
    .toString('latin1', 2, 200)
    .replace(/[^\x20-\x7e\xa0-\xff]/g, ' ')
    .trim()
}

/**
 * Reads the data of a reply or an asynchronous message, up to the end of the message.
 *
 * @param reader positioned before the data
 * @throws ProtocolError `unreadable` or `over-bound`
 */
export function readData<T>(codec: { read(reader: Reader): T }, reader: Reader): T {
  const value = codec.read(reader)
  reader.end()
  return value
}

/**
 * Reads the data of an asynchronous message.
 *
 * @param number the message number from the envelope
 * @param reader positioned before the data
 * @returns undefined for a number that is not in `MESSAGES`
 * @throws ProtocolError `unreadable` or `over-bound`
 */
export function readMessage(number: number, reader: Reader): AsyncMessage | undefined {
  const name = messageName(number)
  if (name === undefined) return undefined
  return { name, params: readData(MESSAGES[name].params as AnyCodec, reader) } as AsyncMessage
}

/**
 * Writes the first message of a connection, which selects Protocol A and identifies the client.
 *
 * @param user user name; the server shows it to other persons
 * @param host host name of the client; the server shows it to other persons
 * @throws ProtocolError `unwritable` if one of them has a character outside ISO 8859-1
 */
export function writeHello(user: string, host: string): Buffer {
  const writer = new Writer()
  writer.mark(0x41)
  writer.latin1(`${user}%${host}`)
  return writer.end()
}

/**
 * Writes a request.
 *
 * @param refNo the reference number, which the server repeats in its reply
 * @throws ProtocolError `unwritable` if the parameters do not fit their types
 */
export function writeRequest<N extends CallName>(refNo: number, name: N, params: Params<N>): Buffer {
  const writer = new Writer()
  writer.int(refNo, MAX_INT32)
  writer.int(CALLS[name].number, MAX_INT32)
  ;(CALLS[name].params as AnyCodec).write(writer, params)
  return writer.end()
}

function serverWriter(): Writer {
  return new Writer(undefined, { emptyArrayIsStar: true })
}

/** The envelope of a request, as a server reads it. */
export interface Request {
  refNo: number
  /** undefined for a call number that is not in `CALLS` */
  name: CallName | undefined
  /** positioned before the parameters */
  reader: Reader
}

/**
 * Reads the envelope of a request.
 *
 * @param message the request, LF included
 * @param maxElements limit on the elements of all arrays of the request, which its reader enforces
 * @throws ProtocolError `unreadable` if it does not begin with two numbers
 */
export function readRequest(message: Buffer, maxElements?: number): Request {
  const reader = new Reader(message, 0, false, maxElements)
  const refNo = reader.int(MAX_INT32)
  return { refNo, name: callName(reader.int(MAX_INT32)), reader }
}

/**
 * Writes a reply, as a server does.
 *
 * @param refNo the reference number of the request
 * @throws ProtocolError `unwritable` if `value` does not fit the type of the reply
 */
export function writeReply<N extends CallName>(refNo: number, name: N, value: Reply<N>): Buffer {
  const writer = serverWriter()
  writer.mark(EQUALS)
  writer.int(refNo, MAX_INT32)
  ;(CALLS[name].reply as AnyCodec).write(writer, value)
  return writer.end()
}

/**
 * Writes the data of a reply without its envelope. Returns a string in which each character stands for a byte.
 *
 * @throws ProtocolError `unwritable` if `value` does not fit the type of the reply
 */
export function replyData<N extends CallName>(name: N, value: Reply<N>): string {
  // Strip `=0` and the line feed.
  return writeReply(0, name, value).toString('latin1').slice(3, -1)
}

/**
 * Writes an error reply, as a server does.
 *
 * @param refNo the reference number of the request
 */
export function writeError(refNo: number, error: KomError): Buffer {
  const writer = new Writer()
  writer.mark(PERCENT)
  writer.int(refNo, MAX_INT32)
  writer.int(error.errorCode, MAX_INT32)
  writer.int(error.errorStatus, MAX_STATUS)
  return writer.end()
}

/**
 * Writes an asynchronous message, as a server does.
 *
 * @throws ProtocolError `unwritable` if the parameters do not fit their types
 */
export function writeMessage<N extends MessageName>(name: N, params: MessageParams<N>): Buffer {
  const { number, params: codec } = MESSAGES[name]
  const writer = serverWriter()
  writer.mark(COLON)
  writer.int(parameterCount(codec.schema), MAX_INT32)
  writer.int(number, MAX_INT32)
  ;(codec as AnyCodec).write(writer, params)
  return writer.end()
}

/** Returns the number of parameters that a message announces: a simple value counts as one, an array as two. */
function parameterCount(schema: Schema): number {
  if (schema.kind === 'array') return 2
  if (schema.kind !== 'struct') return 1
  return Object.values(schema.fields).reduce((sum, field) => sum + parameterCount(field), 0)
}
