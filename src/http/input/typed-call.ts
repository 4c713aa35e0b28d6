import { mustFitJson } from '../../lyskom/json-size.ts'
import { CALLS, type CallName, type Params } from '../../protocol/calls/index.ts'
import type { AnyCodec } from '../../protocol/codec.ts'
import { type JsonMapping, jsonMapping, jsonSize } from '../../protocol/json/mapping.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { performCall } from '../../sessions/perform-call.ts'
import { badRequest } from './body.ts'

/** A call of Protocol A whose parameters and reply are in JSON. */
export class TypedCall {
  readonly name: CallName
  readonly #input: JsonMapping<unknown>
  readonly #output: JsonMapping<unknown>

  constructor(name: CallName) {
    this.name = name
    this.#input = jsonMapping(CALLS[name].params as AnyCodec, 'client')
    this.#output = jsonMapping(CALLS[name].reply as AnyCodec, 'server')
  }

  /** Converts parameters from JSON. @throws InvalidFieldError with the path of the first invalid field */
  parameters(json: unknown): unknown {
    return this.#input.fromJson(json)
  }

  /** Returns whether the call ends the session that makes it. */
  ends({ lyskom }: GatewaySession, parameters: unknown): boolean {
    if (this.name !== 'disconnect') return false
    const { sessionNo } = parameters as Params<'disconnect'>
    // Protocol A also calls the session itself 0.
    return sessionNo === 0 || sessionNo === lyskom.connection.sessionNo
  }

  /**
   * Makes the call and resolves with the reply in JSON.
   * @throws RequestError `invalid-request` (400) for accept-async
   * @throws LimitError if a login limit is reached
   * @throws KomError if the server replies with an error, or if the gateway does not permit the call
   * @throws ProtocolError if the reply is too long for JSON
   */
  async perform(session: GatewaySession, parameters: unknown): Promise<unknown> {
    if (this.name === 'accept-async') {
      throw badRequest('accept-async is not available here: asynchronous messages are events, not replies.')
    }
    const value = await performCall(session, this.name, parameters)
    mustFitJson(session.lyskom.connection, jsonSize(this.#output, value))
    return this.#output.toJson(value)
  }
}
