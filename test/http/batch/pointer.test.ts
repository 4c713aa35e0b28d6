import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePointer, Steps, select } from '../../../src/http/batch/pointer.ts'

const at = (value: unknown, text: string, steps = 1000) => select(value, parsePointer(text) ?? [], new Steps(steps))

/** The example of RFC 6901, chapter 5. */
const RFC = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
}

/** Returns each value inside a JSON value with its path. */
function* inner(value: unknown, path: readonly string[] = []): Generator<[readonly string[], unknown]> {
  yield [path, value]
  if (typeof value !== 'object' || value === null) return
  for (const [key, each] of Object.entries(value)) yield* inner(each, [...path, key])
}

const escaped = (token: string) => token.replaceAll('~', '~0').replaceAll('/', '~1')

describe('a JSON Pointer', () => {
  it.each([
    ['', RFC],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j selects what RFC 6901 says', (text, value) => {
    expect(at(RFC, text)).toEqual(value)
  })

  it.each(['foo', '/~', '/~2', '/a~', 'a#', '#/foo'])('%j is invalid', (text) => {
    expect(parsePointer(text)).toBeUndefined()
  })

  it.each(['/foo/2', '/foo/-', '/foo/01', '/foo/-1', '/foo/length', '/foo/0/0', '/nosuch', '/toString', '/__proto__'])(
    '%j selects nothing',
    (text) => {
      expect(at(RFC, text)).toBeUndefined()
    },
  )

  it('selects every value of a document by its path', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (document) => {
        const value: unknown = JSON.parse(JSON.stringify(document))
        for (const [path, expected] of inner(value)) {
          const text = path.map((token) => `/${escaped(token)}`).join('')
          expect(at(value, text, 1e6)).toBe(expected)
        }
      }),
    )
  })
})

describe('* in a JSON Pointer', () => {
  const list = {
    list: [
      { no: 1, texts: [10, 11] },
      { no: 2, texts: [] },
      { no: 3, texts: [12] },
    ],
  }

  it.each([
    ['/list/*/no', [1, 2, 3]],
    ['/list/*/texts', [10, 11, 12]],
    ['/list/*/texts/*', [10, 11, 12]],
    ['/list/*', list.list],
  ])('%s maps over arrays and flattens the results by one level', (text, expected) => {
    expect(at(list, text)).toEqual(expected)
  })

  it('maps over an empty array and over arrays of arrays', () => {
    expect(at([], '/*/no')).toEqual([])
    expect(at([[[1], [2]], [[3]]], '/*')).toEqual([[1], [2], [3]])
    expect(at([[[1], [2]], [[3]]], '/*/*')).toEqual([1, 2, 3])
  })

  it('is a name in an object', () => {
    expect(at({ '*': { a: 1 } }, '/*/a')).toBe(1)
    expect(at({ a: 1 }, '/*')).toBeUndefined()
  })

  it('selects nothing if the rest selects nothing in one element', () => {
    expect(at([{ a: 1 }, {}], '/*/a')).toBeUndefined()
    expect(at([{ a: 1 }, null], '/*/a')).toBeUndefined()
  })

  it('selects nothing once the steps are exhausted', () => {
    const many = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => [1]))
    expect(select(many, ['*', '*'], new Steps(30_000))).toHaveLength(10_000)
    const steps = new Steps(10_000)
    expect(select(many, ['*', '*'], steps)).toBeUndefined()
    expect(steps.isExhausted).toBe(true)
    expect(select(many, ['0'], steps)).toBeUndefined()
  })
})
