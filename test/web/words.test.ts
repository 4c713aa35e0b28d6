import { describe, expect, it } from 'vitest'
import { textNoOf } from '../../src/web/reader/goto/text-no.ts'
import { en } from '../../src/web/reader/strings/en.ts'
import { plainText } from '../../src/web/shared/plain-text.ts'
import { sizeText } from '../../src/web/shared/size.ts'

describe('plainText', () => {
  it('removes controls and what changes the direction of a sentence', () => {
    expect(plainText('Eve\u202e\u2066 moc\u0007\u001b[31m\nAnna\u200f')).toBe('Eve moc [31m Anna')
  })

  it('keeps all scripts', () => {
    expect(plainText('שלום Ελληνικά 日本語 ☕ å')).toBe('שלום Ελληνικά 日本語 ☕ å')
  })
})

describe('textNoOf', () => {
  it.each(['4711', ' 4711 ', '#4711', '<4711>', 'text 4711', 'inlägg 4711', 'Inlägget 4711'])('reads %s', (typed) => {
    expect(textNoOf(typed)).toBe(4711)
  })

  it.each(['', '0', '4711 a', 'anna 4711', '12345678901', '-1', '4.5'])('does not read %j', (typed) => {
    expect(textNoOf(typed)).toBeUndefined()
  })
})

describe('sizeText', () => {
  it.each([
    [0, '0 byte'],
    [640, '640 byte'],
    [1500, '1.5 kB'],
    [12_345, '12 kB'],
    [8_000_000, '8 MB'],
  ])('says %i bytes as %s', (bytes, text) => {
    expect(sizeText(bytes, 'en')).toBe(text)
  })
})

it.each([
  [1, '1 second'],
  [30, '30 seconds'],
])('says to wait for %i seconds', (seconds, said) => {
  expect(en.tooMany(seconds)).toBe(`Too many attempts. Try again in ${said}.`)
})
