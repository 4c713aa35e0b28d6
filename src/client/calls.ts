/**
 * The types of typed calls in JSON, derived from the tables of Protocol A. docs/api.md describes the mapping in the
 * section on typed calls.
 */
import type { CallName, Params, Reply } from '../protocol/calls/index.ts'
import type { Time } from '../protocol/types.ts'

/** The calls of Protocol A that `call` makes. The gateway itself chooses the asynchronous messages. */
export type Call = Exclude<CallName, 'accept-async'>
/** The parameters of a call. */
export type CallParams<N extends Call> = Struct<Params<N>, 'client'>
/** The reply to a call; null for an empty one. */
export type CallReply<N extends Call> = Json<Reply<N>, 'server'>

/** A string of bytes: a string if the bytes are UTF-8, otherwise one character for each byte. */
export type Bytes = string | { latin1: string }

/** Arrays of which the server may send the length alone. */
type Omissible = 'readRanges' | 'readTexts'
/** The floats of Protocol A. */
type FloatField = 'average' | 'ascentRate' | 'descentRate'
type NotFinite = 'inf' | '-inf' | 'nan'

type Side = 'client' | 'server'

/** A value of Protocol A in JSON. `S` is its writer. */
export type Json<T, S extends Side> = [T] extends [undefined]
  ? null
  : T extends Uint8Array
    ? Bytes
    : T extends string
      ? string extends T
        ? string
        : Snake<T>
      : T extends number | boolean
        ? T
        : T extends readonly (infer E)[]
          ? Json<E, S>[]
          : T extends Time
            ? string
            : T extends { kind: infer K extends string; value: infer V }
              ? { kind: Snake<K>; value: Json<V, S> }
              : IsBits<T> extends true
                ? Bits<T, S>
                : Struct<T, S>

export type Struct<T, S extends Side> = {
  [K in keyof T as Snake<K & string>]: Json<T[K], S> | (S extends 'server' ? Substitute<K, T[K]> : never)
}

/** What a server may send instead of the value of a field. */
type Substitute<K, T> = K extends FloatField
  ? NotFinite
  : K extends Omissible
    ? T extends readonly unknown[]
      ? { omitted: number }
      : never
    : never

/** Bit strings have a boolean in each field. A client may leave out bits, which are false then. */
type Bits<T, S extends Side> = S extends 'server'
  ? { [K in keyof T as Snake<K & string>]: boolean }
  : { [K in keyof T as Snake<K & string>]?: boolean }

type IsBits<T> = [T[keyof T]] extends [boolean] ? true : false

/** `whatAmIDoing` -> `what_am_i_doing`, `cc-recpt` -> `cc_recpt` */
type Snake<S extends string> = S extends `${infer C}${infer Rest}`
  ? `${C extends '-' ? '_' : C extends Lowercase<C> ? C : `_${Lowercase<C>}`}${Snake<Rest>}`
  : ''
