import { type AnyCodec, type Codec, type Infer, struct } from '../codec.ts'

export type CallStatus = 'recommended' | 'experimental' | 'obsolete'

/** One request of Protocol A: its number, what goes in, what comes back. */
export interface Call<P, R> {
  readonly number: number
  readonly status: CallStatus
  readonly params: Codec<P>
  readonly reply: Codec<R>
}

type Fields = Readonly<Record<string, AnyCodec>>

/** Declares a request; the order of the fields is the order on the wire. */
export function call<const F extends Fields, R>(
  number: number,
  fields: F,
  reply: Codec<R>,
  status: CallStatus = 'recommended',
): Call<{ -readonly [K in keyof F]: Infer<F[K]> }, R> {
  return { number, status, params: struct(fields), reply }
}
