import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { DRIVERS, loadDriver, ReplyTimeoutError, withoutPassword, withTimeout } from '../../src/store/driver.ts'

describe('withTimeout', () => {
  it('resolves with the result of the work and rejects with its error', async () => {
    expect(await withTimeout(Promise.resolve('result'), 1000)).toBe('result')
    await expect(withTimeout(Promise.reject(new Error('failed')), 1000)).rejects.toThrow('failed')
  })

  it('rejects work that takes too long', async () => {
    await expect(withTimeout(new Promise(() => undefined), 10)).rejects.toThrow(ReplyTimeoutError)
  })

  it('accepts a reply that arrived while the process was blocked', async () => {
    const work = promisify(randomBytes)(8)
    const result = withTimeout(work, 20)
    const end = performance.now() + 100
    while (performance.now() < end);
    expect(await result).toHaveLength(8)
  })
})

describe('loadDriver', () => {
  const failing = (code: string, message: string) => async () => {
    throw Object.assign(new Error(message), { code })
  }

  it.each([
    ['ERR_MODULE_NOT_FOUND', "Cannot find package 'pg' imported from /x/postgres.js"],
    ['MODULE_NOT_FOUND', "Cannot find module 'pg'"],
  ])('rejects with the packages of the store if one of them is missing (%s)', async (code, message) => {
    const expected = new TypeError(
      'store: the package "pg" is not installed; install it with: npm install kysely@0.28 pg@8',
    )
    await expect(loadDriver(['kysely', 'pg'], failing(code, message))).rejects.toEqual(expected)
  })

  it("rejects with the driver's own error if the driver is installed and fails", async () => {
    const ofDriver = "Cannot find package 'pg-protocol' imported from /x/node_modules/pg/lib/index.js"
    await expect(loadDriver(['kysely', 'pg'], failing('ERR_MODULE_NOT_FOUND', ofDriver))).rejects.toThrow(ofDriver)
    await expect(loadDriver(['pg'], failing('EACCES', "'pg' cannot be read"))).rejects.toThrow('cannot be read')
  })

  it('names the versions that package.json supports', () => {
    const file = new URL('../../package.json', import.meta.url)
    const { peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync(file, 'utf8'))
    for (const [name, version] of Object.entries(DRIVERS)) {
      expect([name, peerDependencies[name]]).toEqual([name, expect.stringMatching(`^\\^${version}\\.`)])
      expect([name, peerDependenciesMeta[name]]).toEqual([name, { optional: true }])
    }
  })
})

it.each([
  'mongodb://someone:s3cret@host/db',
  'mongodb://someone:s3cr%65t@host/db',
  'mongodb://someone@host/db?proxyPassword=s3cret',
  'mongodb://someone@host/db?tlsCertificateKeyFilePassword=s3cret&tls=true',
  'mongodb://someone@host/db?authMechanismProperties=AWS_SESSION_TOKEN:s3cret',
])('withoutPassword removes the secrets of %s from a message of a driver', (url) => {
  const said = `cannot use ${url} (${decodeURIComponent(url)}), or is it s3cret?`
  const message = withoutPassword(said, new URL(url))
  expect(message).not.toMatch(/s3cret|s3cr%65t/)
  expect(message).toContain('someone')
})

it.each(["it's+a%2fb!", 'my%20s3cret', '%C3%A5%c3%a5', '(a)~*b', '%2B+%2b'])(
  'withoutPassword removes the secret %s from a message in every encoding',
  (raw) => {
    const url = new URL(`mongodb://someone@host/db?a=1&proxyPassword=${raw}&z=2`)
    const value = url.searchParams.get('proxyPassword') ?? ''
    const rewritten = new URL(url)
    rewritten.searchParams.set('x', 'y')
    const spellings = [raw, value, encodeURIComponent(value), rewritten.search, url.search, decodeURIComponent(raw)]
    for (const spelling of spellings) {
      const message = withoutPassword(`wrong: ${spelling}.`, url)
      for (const secret of [raw, value, encodeURIComponent(value)]) expect(message).not.toContain(secret)
    }
  },
)

it('withoutPassword removes two secrets of which one is a prefix of the other', () => {
  const url = new URL('mongodb://someone:s3@host/db?proxyPassword=s3cret')
  expect(withoutPassword('s3cret and s3', url)).toBe('… and …')
})

it('withoutPassword leaves a message without secrets unchanged', () => {
  const said = 'no server at host:27017 with tls=true'
  expect(withoutPassword(said, new URL('mongodb://host/db?tls=true&proxyPassword='))).toBe(said)
})
