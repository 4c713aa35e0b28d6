import { expect, test } from 'vitest'
import { isLegalName, matchesName, nameWords, sameName } from '../../src/demo/name-expansion.ts'

function matches(pattern: string, name: string): boolean {
  return matchesName(nameWords(pattern), nameWords(name))
}

test.each([
  ['l d', 'LysKOM (client, server and protocol) Discussion (and) Ideas', true],
  ['l d', 'LysKOM Protocol Discussion', false],
  ['', 'Anyone', true],
  ['  (all of it in parentheses)', 'Anyone', true],
  ['anna andersson xx', 'Anna Andersson', false],
  ['andersson', 'Anna Andersson', false],
  ['foo-b', 'Foo-bar baz', true],
  ['foo bar', 'Foo-bar baz', false],
  ['glued name', 'Glued(x)name', true],
  ['gluedname', 'Glued(x)name', false],
  ['nested tail', 'Nested (a (b) c) tail', true],
  ['ann (unclosed and', 'Anna Berg', true],
  ['ann) and', 'Anna Andersson', true],
])('matchesName compares the pattern "%s" with the name "%s": %s', (pattern, name, expected) => {
  expect(matches(pattern, name)).toBe(expected)
})

test.each([
  ['å', '}'],
  ['Å', ']'],
  ['ä', '{'],
  ['Ä', '['],
  ['ö', '|'],
  ['Ö', '\\'],
  ['é', 'E'],
  ['ü', 'Y'],
])('treats %s and %s as the same letter', (one, other) => {
  expect(nameWords(one)).toEqual(nameWords(other))
})

test('sameName returns true for names with equal words', () => {
  expect(sameName(nameWords('Anna Andersson'), nameWords('  ANNA (from afar)  andersson'))).toBe(true)
  expect(sameName(nameWords('Anna'), nameWords('Anna Andersson'))).toBe(false)
})

test('sameName returns true for a name without words', () => {
  expect(sameName(nameWords('(x)'), nameWords('Anna'))).toBe(true)
})

test('isLegalName rejects empty names and names with control characters', () => {
  expect(isLegalName('Åke (i|e)')).toBe(true)
  for (const name of ['', 'a\nb', 'a\tb', 'a\x7fb', 'a\x85b']) expect(isLegalName(name)).toBe(false)
})
