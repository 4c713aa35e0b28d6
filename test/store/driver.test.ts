import { expect, it } from 'vitest'
import { withoutPassword } from '../../src/store/driver.ts'

it.each([
  'mongodb://someone:s3cret@host/db',
  'mongodb://someone:s3cr%65t@host/db',
  'mongodb://someone@host/db?proxyPassword=s3cret',
  'mongodb://someone@host/db?tlsCertificateKeyFilePassword=s3cret&tls=true',
  'mongodb://someone@host/db?authMechanismProperties=AWS_SESSION_TOKEN:s3cret',
])('removes the secrets of %s from a message of a driver', (url) => {
  const said = `cannot use ${url} (${decodeURIComponent(url)}), or is it s3cret?`
  const message = withoutPassword(said, new URL(url))
  expect(message).not.toMatch(/s3cret|s3cr%65t/)
  expect(message).toContain('someone')
})

it.each(["it's+a%2fb!", 'my%20s3cret', '%C3%A5%c3%a5', '(a)~*b', '%2B+%2b'])(
  'removes the secret %s from a message in any spelling',
  (raw) => {
    const url = new URL(`mongodb://someone@host/db?a=1&proxyPassword=${raw}&z=2`)
    const value = url.searchParams.get('proxyPassword') ?? ''
    const anew = new URL(url)
    anew.searchParams.set('x', 'y')
    const spellings = [raw, value, encodeURIComponent(value), anew.search, url.search, decodeURIComponent(raw)]
    for (const spelling of spellings) {
      const message = withoutPassword(`wrong: ${spelling}.`, url)
      for (const secret of [raw, value, encodeURIComponent(value)]) expect(message).not.toContain(secret)
    }
  },
)

it('removes two secrets of which one is a prefix of the other', () => {
  const url = new URL('mongodb://someone:s3@host/db?proxyPassword=s3cret')
  expect(withoutPassword('s3cret and s3', url)).toBe('… and …')
})

it('leaves a message without secrets unchanged', () => {
  const said = 'no server at host:27017 with tls=true'
  expect(withoutPassword(said, new URL('mongodb://host/db?tls=true&proxyPassword='))).toBe(said)
})
