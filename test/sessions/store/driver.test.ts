import { expect, it } from 'vitest'
import { withoutPassword } from '../../../src/sessions/store/driver.ts'

it.each([
  'mongodb://someone:s3cret@host/db',
  'mongodb://someone:s3cr%65t@host/db',
  'mongodb://someone@host/db?proxyPassword=s3cret',
  'mongodb://someone@host/db?tlsCertificateKeyFilePassword=s3cret&tls=true',
  'mongodb://someone@host/db?authMechanismProperties=AWS_SESSION_TOKEN:s3cret',
])('what a driver says of %s is without its secrets', (url) => {
  const said = `cannot use ${url} (${decodeURIComponent(url)})`
  const told = withoutPassword(said, new URL(url))
  expect(told).not.toMatch(/s3cret|s3cr%65t/)
  expect(told).toContain('someone')
})

it('the rest is left as it is', () => {
  const said = 'no server at host:27017 with tls=true'
  expect(withoutPassword(said, new URL('mongodb://host/db?tls=true&proxyPassword='))).toBe(said)
})
