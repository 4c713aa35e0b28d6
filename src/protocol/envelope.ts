/**
 * What surrounds the data on a line, in both directions: reference numbers, marks and numbers of calls and
 * messages (chapter Client-Server Dialog). Connections use one half, the demo server the other.
 */
import { CALLS, type CallName, callName, type Params, type Reply } from './calls/index.ts'
import type { AnyCodec, Schema } from './codec.ts'
import { type KomError, ProtocolError } from './errors.ts'
import { type AsyncMessage, MESSAGES, type MessageName, type MessageParams, messageName } from './messages.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

const EQUALS = 0x3d
const PERCENT = 0x25
const COLON = 0x3a

/** Reference numbers are INT32 and chosen by the client. */
export const MAX_REF_NO = 2 ** 32 - 1
/** Error statuses are not bounded by the specification; lyskomd echoes what it was sent. */
const MAX_STATUS = Number.MAX_SAFE_INTEGER

export type Envelope =
  /** `reader` stands before the reply's data */
  | { kind: 'reply'; refNo: number; reader: Reader }
  | { kind: 'error'; refNo: number; errorCode: number; errorStatus: number }
  /** `reader` stands before the message's data */
  | { kind: 'message'; number: number; reader: Reader }
  /** `%%`: the server refuses the stream; `text` is for people */
  | { kind: 'refusal'; text: string }

/** Reads the beginning of a line from the server. Throws a `ProtocolError` when it is none of the four kinds. */
export function readEnvelope(line: Buffer): Envelope {
  const reader = new Reader(line, 1, true)
  switch (line[0]) {
    case EQUALS:
      return { kind: 'reply', refNo: reader.int(MAX_REF_NO), reader }
    case PERCENT: {
      if (line[1] === PERCENT) return { kind: 'refusal', text: refusalText(line) }
      const refNo = reader.int(MAX_REF_NO)
      const errorCode = reader.int(MAX_REF_NO)
      const errorStatus = reader.anyInt()
      return { kind: 'error', refNo, errorCode, errorStatus }
    }
    case COLON:
      // The number of parameters comes first; the frame already says where the message ends.
      reader.int(MAX_REF_NO)
      return { kind: 'message', number: reader.int(MAX_REF_NO), reader }
    default:
      throw new ProtocolError('unreadable', 'a line that is no reply, no error and no message')
  }
}

/** What a server says after `%%`, cut to what is fit for an error text. */
export function refusalText(line: Buffer): string {
  return line
    .toString('latin1', 2, 200)
    .replace(/[^\x20-\x7e\xa0-\xff]/g, ' ')
    .trim()
}

/** Reads the data of a reply or message to its end. */
export function readData<T>(codec: { read(reader: Reader): T }, reader: Reader): T {
  const value = codec.read(reader)
  reader.end()
  return value
}

/** Reads the data of an asynchronous message; undefined for a number that is not in the table. */
export function readMessage(number: number, reader: Reader): AsyncMessage | undefined {
  const name = messageName(number)
  if (name === undefined) return undefined
  return { name, params: readData(MESSAGES[name].params as AnyCodec, reader) } as AsyncMessage
}

/** The first line of a connection: protocol A, and who connects. `host` is what the server shows others. */
export function writeHello(user: string, host: string): Buffer {
  const writer = new Writer()
  writer.mark(0x41)
  writer.latin1(`${user}%${host}`)
  return writer.end()
}

export function writeRequest<N extends CallName>(refNo: number, name: N, params: Params<N>): Buffer {
  const writer = new Writer()
  writer.int(refNo, MAX_REF_NO)
  writer.int(CALLS[name].number, MAX_REF_NO)
  ;(CALLS[name].params as AnyCodec).write(writer, params)
  return writer.end()
}

function serverWriter(): Writer {
  return new Writer(undefined, { emptyArrayIsStar: true })
}

/** A request as the server reads it; `name` is undefined when the number is not in the table. */
export interface Request {
  refNo: number
  name: CallName | undefined
  reader: Reader
}

export function readRequest(line: Buffer): Request {
  const reader = new Reader(line)
  const refNo = reader.int(MAX_REF_NO)
  return { refNo, name: callName(reader.int(MAX_REF_NO)), reader }
}

export function writeReply<N extends CallName>(refNo: number, name: N, value: Reply<N>): Buffer {
  const writer = serverWriter()
  writer.mark(EQUALS)
  writer.int(refNo, MAX_REF_NO)
  ;(CALLS[name].reply as AnyCodec).write(writer, value)
  return writer.end()
}

/** The data of a reply alone, as a server writes it: text in which each character is a byte. */
export function replyData<N extends CallName>(name: N, value: Reply<N>): string {
  // `=0`, the data, a line feed
  return writeReply(0, name, value).toString('latin1').slice(3, -1)
}

export function writeError(refNo: number, error: KomError): Buffer {
  const writer = new Writer()
  writer.mark(PERCENT)
  writer.int(refNo, MAX_REF_NO)
  writer.int(error.errorCode, MAX_REF_NO)
  writer.int(error.errorStatus, MAX_STATUS)
  return writer.end()
}

export function writeMessage<N extends MessageName>(name: N, params: MessageParams<N>): Buffer {
  const { number, params: codec } = MESSAGES[name]
  const writer = serverWriter()
  writer.mark(COLON)
  writer.int(parameterCount(codec.schema), MAX_REF_NO)
  writer.int(number, MAX_REF_NO)
  ;(codec as AnyCodec).write(writer, params)
  return writer.end()
}

/** How many parameters a message announces: simple values count one each, arrays two. */
function parameterCount(schema: Schema): number {
  if (schema.kind === 'array') return 2
  if (schema.kind !== 'struct') return 1
  return Object.values(schema.fields).reduce((sum, field) => sum + parameterCount(field), 0)
}
