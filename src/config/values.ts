/**
 * Codecs between the text of a flag or an environment variable and the value of a setting. Decoding and encoding both
 * validate. An error message begins with a verb, such as `must be true or false`, and follows the name of the setting.
 */
import { z } from 'zod'

/** A codec of a setting. */
export type Value<T> = z.ZodType<T, string>

/** The longest delay that Node timers support. */
const MAX_MS = 2 ** 31 - 1

/**
 * Returns the codec of a whole number.
 * @param min smallest valid number
 * @param max largest valid number
 */
export function whole(min: number, max: number): Value<number> {
  return z.codec(z.string(), integer(min, max), { decode: toNumber, encode: String })
}

/**
 * Returns the codec of a whole number, or undefined for an empty text.
 * @param min smallest valid number
 * @param max largest valid number
 */
export function optionalWhole(min: number, max: number): Value<number | undefined> {
  return z.codec(z.string(), integer(min, max).optional(), {
    decode: (text) => (text === '' ? undefined : toNumber(text)),
    encode: (value) => (value === undefined ? '' : String(value)),
  })
}

function integer(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`
  return z.int(error).min(min, error).max(max, error)
}

function toNumber(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
}

/** The codec of a duration in milliseconds. */
export const ms = whole(1, MAX_MS)

/** The codec of a boolean, `true` or `false`. */
export const flag: Value<boolean> = z.codec(
  z.enum(['true', 'false'], 'must be true or false'),
  z.boolean('must be true or false'),
  { decode: (text) => text === 'true', encode: (value) => (value ? 'true' : 'false') },
)

/**
 * Returns the codec of a text.
 * @param meets returns whether a text is valid
 * @param error message for an invalid text
 */
export function text(meets: (text: string) => boolean, error: string): Value<string> {
  return z.string(error).refine(meets, error)
}

/**
 * Returns the codec of an enumeration.
 * @param words the valid words
 * @param error message for other words
 */
export function oneOf<const W extends readonly [string, ...string[]]>(words: W, error: string): Value<W[number]> {
  return z.enum(words, error)
}

/**
 * Returns the codec of a comma-separated list. An empty text is an empty list.
 * @param item schema of an item
 * @param error message for a value that is not an array
 */
export function list<T extends string>(item: z.ZodType<T>, error: string): Value<readonly T[]> {
  return z.codec(z.string(), z.array(item, error), {
    // The output schema validates the items.
    decode: (text) => split(text) as T[],
    encode: (values) => values.join(','),
  })
}

function split(text: string): string[] {
  return text === '' ? [] : text.split(',').map((each) => each.trim())
}

/** The key of an application. */
export interface AppKey {
  /** the id of the application; `*` stands for all */
  readonly app: string
  /** the secret that the application sends: printable ASCII without spaces and commas */
  readonly key: string
}

// The error states the rule and not the value, which may be a key.
const APP_KEYS_RULE = 'must be app:key, the key without spaces and commas'

/** The codec of a comma-separated list of application keys, `app:key`. */
export const appKeys: Value<readonly AppKey[]> = z.codec(
  z.string(),
  z.array(
    z.object(
      {
        app: z.string(APP_KEYS_RULE).regex(/^[A-Za-z0-9_.*-]+$/, APP_KEYS_RULE),
        key: z.string(APP_KEYS_RULE).regex(/^[\x21-\x2b\x2d-\x7e]+$/, APP_KEYS_RULE),
      },
      APP_KEYS_RULE,
    ),
    APP_KEYS_RULE,
  ),
  {
    decode: (text) =>
      split(text).map((each) => {
        const end = Math.max(0, each.indexOf(':'))
        return { app: each.slice(0, end), key: each.slice(end + 1) }
      }),
    encode: (keys) => keys.map(({ app, key }) => `${app}:${key}`).join(','),
  },
)

const ORIGINS_RULE = 'must be * or origins such as https://kom.example.org, with commas between them'
const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text

/** The codec of `*` for every origin, or a comma-separated list of origins. */
export const origins: Value<'*' | readonly string[]> = z.codec(
  z.string(),
  z.union([z.literal('*'), z.array(z.string().refine(isOrigin, ORIGINS_RULE))], ORIGINS_RULE),
  {
    decode: (text): '*' | string[] => (text === '*' ? text : split(text)),
    encode: (value) => (value === '*' ? value : value.join(',')),
  },
)
