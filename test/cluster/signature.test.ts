import { describe, expect, it } from 'vitest'
import { type Claims, Signatures, type SignedRequest } from '../../src/cluster/signature.ts'

const REQUEST: SignedRequest = { method: 'GET', target: '/kom/texts/1?x=%C3%A5' }
const CLAIMS: Claims = {
  time: 1_796_000_000_000,
  epoch: '0a7b6e1c-5a1f-4b9d-8a3e-2f6c1d4e5b7a',
  clientAddress: '2001:db8::1',
}
const signatures = new Signatures('a'.repeat(32))
const header = signatures.sign(REQUEST, CLAIMS)

describe('a signature', () => {
  it('carries its claims to nodes with the same key', () => {
    expect(new Signatures('a'.repeat(32)).verify(REQUEST, header)).toEqual(CLAIMS)
  })

  it('is rejected by nodes with another key', () => {
    expect(new Signatures('b'.repeat(32)).verify(REQUEST, header)).toBeUndefined()
  })

  it.each<Partial<SignedRequest>>([{ method: 'POST' }, { method: 'get' }, { target: '/kom/texts/1' }, { target: '' }])(
    'is rejected for another request: %j',
    (part) => {
      expect(signatures.verify({ ...REQUEST, ...part }, header)).toBeUndefined()
    },
  )

  it('is rejected if any character of the header is changed, missing or doubled', () => {
    for (let i = 0; i < header.length; i++) {
      const char = header[i] as string
      // The last character has two bits that are not used, and may be any of four.
      const changed = header.slice(0, i) + (char === 'A' ? 'z' : 'A') + header.slice(i + 1)
      for (const wrong of [
        changed,
        header.slice(0, i) + header.slice(i + 1),
        header.slice(0, i) + char + header.slice(i),
      ]) {
        expect(signatures.verify(REQUEST, wrong), wrong).toBeUndefined()
      }
    }
  })

  it.each([
    '',
    'x',
    `${header}, ${header}`,
    `${header},`,
    ` ${header}`,
    header.replace('t=', 't=-'),
    header.replace(/sig=.*/, 'sig='),
    header.replace(/,for=[^,]*/, ''),
    header.replace(/for=[^,]*/, 'for=a b'),
    header.replace(/for=[^,]*/, `for=${'x'.repeat(101)}`),
  ])('is rejected in another form: %j', (wrong) => {
    expect(signatures.verify(REQUEST, wrong)).toBeUndefined()
  })

  it('does not let one field take a part of another', () => {
    const shifted = signatures.sign({ method: 'T', target: '/x' }, { ...CLAIMS, clientAddress: '::1' })
    expect(signatures.verify({ method: '', target: 'T\n/x' }, shifted)).toBeUndefined()
  })
})
