/** Random mutations of messages. They are plain data, so that a failing run shows them. */
import fc, { type Arbitrary } from 'fast-check'

/** Characters with a meaning in messages, numbers over the limit of some type, and single bytes. */
export const oddity: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '\n',
    ' ',
    'H',
    '{',
    '}',
    '*',
    '%',
    '%%',
    '=',
    ':',
    '0',
    '9',
    '-',
    '5H',
    '2147483648H',
    '{ '.repeat(50),
  ),
  fc.constantFrom(
    '256',
    '65536',
    '2147483648',
    '4294967296',
    '9007199254740993',
    '18446744073709551616',
    '9'.repeat(400),
  ),
  fc.nat(255).map((code) => String.fromCharCode(code)),
)

interface Mutation {
  what: 'insert' | 'replace' | 'remove' | 'flip a bit' | 'replace a number' | 'cut off'
  at: number
  count: number
  by: string
}

/** One to five mutations, for `mutated`. */
export const mutations: Arbitrary<Mutation[]> = fc.array(
  fc.record({
    what: fc.constantFrom('insert', 'replace', 'remove', 'flip a bit', 'replace a number', 'cut off'),
    at: fc.nat(5000),
    count: fc.integer({ min: 1, max: 30 }),
    by: oddity,
  }),
  { minLength: 1, maxLength: 5 },
)

/** Applies the mutations in order. Positions are taken modulo the length of the message. */
export function mutated(bytes: Buffer, changes: readonly Mutation[]): Buffer {
  return changes.reduce((before, change) => (before.length === 0 ? before : once(before, change)), bytes)
}

function once(bytes: Buffer, { what, at, count, by }: Mutation): Buffer {
  const place = at % bytes.length
  switch (what) {
    case 'insert':
      return splice(bytes, place, 0, by)
    case 'replace':
      return splice(bytes, place, by.length, by)
    case 'remove':
      return splice(bytes, place, count, '')
    case 'cut off':
      return bytes.subarray(0, place)
    case 'flip a bit': {
      const flipped = Buffer.from(bytes)
      flipped[place] = (bytes[place] as number) ^ (1 << (count % 8))
      return flipped
    }
    case 'replace a number': {
      // The number may be a count, a length or a selector.
      const numbers = [...bytes.toString('latin1').matchAll(/\d+/g)]
      const chosen = numbers[at % numbers.length]
      return chosen === undefined ? bytes : splice(bytes, chosen.index, chosen[0].length, by)
    }
  }
}

function splice(bytes: Buffer, at: number, removed: number, added: string): Buffer {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(added, 'latin1'), bytes.subarray(at + removed)])
}
