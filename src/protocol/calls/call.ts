import { type AnyCodec, type Codec, type Infer, struct } from '../codec.ts'

/** The status of a request in the specification. */
export type CallStatus = 'recommended' | 'experimental' | 'obsolete'

/** The definition of a request: its number, and the codecs of its parameters and its reply. */
export interface Call<P, R> {
  readonly number: number
  readonly status: CallStatus
  readonly params: Codec<P>
  readonly reply: Codec<R>
}

type Fields = Readonly<Record<string, AnyCodec>>

/**
 * Defines a request.
 *
 * @param number the call number
 * @param fields the codecs of the parameters by name, in the order of the specification
 * @param reply the codec of the reply; `nothing` for an empty one
 */
export function call<const F extends Fields, R>(
  number: number,
  fields: F,
  reply: Codec<R>,
  status: CallStatus = 'recommended',
): Call<{ -readonly [K in keyof F]: Infer<F[K]> }, R> {
  return { number, status, params: struct(fields), reply }
}
