import type { Connection } from '../../src/connection/connection.ts'
import type { AnyCodec } from '../../src/protocol/codec.ts'
import { jsonMapping } from '../../src/protocol/json/mapping.ts'
import { type AsyncMessage, MESSAGES, type MessageName } from '../../src/protocol/messages.ts'
import { connectTo } from '../support/connection.ts'

const ACCEPTED = (Object.keys(MESSAGES) as MessageName[]).filter((name) => MESSAGES[name].status === 'recommended')

/** The types of the events that are messages of the server. */
export const SERVER_TYPES = ACCEPTED.map(eventType)

/** A message as the data of the event for it, without the names in a new text. */
export type Witnessed = { type: string } & Record<string, unknown>

/** A client of Protocol A that receives what the LysKOM server sends to the sessions of a person. */
export class Witness {
  /** the messages received so far */
  readonly messages: Witnessed[] = []
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
    connection.on('message', (message) => this.messages.push(witnessed(message)))
  }

  /** Connects to a LysKOM server on 127.0.0.1 and logs in invisibly. */
  static async open(port: number, person: number, passwd: string): Promise<Witness> {
    const connection = await connectTo(port, {}, ACCEPTED)
    const witness = new Witness(connection)
    await connection.call('login', { person, passwd, invisible: true })
    return witness
  }

  /** Makes a round trip: all earlier messages have arrived when it resolves. */
  async sync(): Promise<void> {
    await this.#connection.call('get-time')
  }

  /** Disconnects. */
  async close(): Promise<void> {
    await this.#connection.close()
  }
}

function witnessed({ name, params }: AsyncMessage): Witnessed {
  const mapping = jsonMapping(MESSAGES[name].params as AnyCodec, 'server')
  const { type, ...fields } = mapping.toJson(params) as Record<string, unknown>
  return { type: eventType(name), ...fields, ...(type !== undefined && { recipient_type: type }) }
}

function eventType(name: MessageName): string {
  return name.replace('async-', '')
}
