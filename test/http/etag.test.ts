import { Hono } from 'hono'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { etaggedJson } from '../../src/http/node/etag.ts'

const respond = etaggedJson('Cookie')

function appWith(value: unknown) {
  return new Hono().get('/', (c) => respond(c, value))
}

describe('etaggedJson', () => {
  afterEach(() => vi.restoreAllMocks())

  it('creates equal tags for equal values, and different tags for different values', async () => {
    const tags = await Promise.all(
      [{ a: 1 }, { a: 1 }, { a: 2 }].map(async (value) => (await appWith(value).request('/')).headers.get('etag')),
    )
    expect(tags[0]).toMatch(/^"[\w-]{27}"$/)
    expect(tags[1]).toBe(tags[0])
    expect(tags[2]).not.toBe(tags[0])
  })

  it('responds with 304, the tag and Vary, without a body, to a request with the tag', async () => {
    const app = appWith({ a: 1 })
    const etag = (await app.request('/')).headers.get('etag') ?? ''
    for (const known of [etag, `W/${etag}`, `"x" , ${etag}`, ' * ']) {
      const response = await app.request('/', { headers: { 'If-None-Match': known } })
      expect([known, response.status, await response.text()]).toEqual([known, 304, ''])
      expect(Object.fromEntries(response.headers)).toEqual({ 'cache-control': 'no-cache', etag, vary: 'Cookie' })
    }
  })

  it('responds with the value to a request with other or invalid tags', async () => {
    const app = appWith({ a: 1 })
    const bare = (await app.request('/')).headers.get('etag')?.replaceAll('"', '') ?? ''
    for (const unknown of ['"x"', '""', bare, '"*"x', '']) {
      const response = await app.request('/', { headers: { 'If-None-Match': unknown } })
      expect([unknown, response.status, await response.json()]).toEqual([unknown, 200, { a: 1 }])
    }
  })

  it('hashes synchronously, without Web Crypto on the thread pool', async () => {
    const digest = vi.spyOn(crypto.subtle, 'digest')
    expect((await appWith({ a: 1 }).request('/')).headers.get('etag')).not.toBeNull()
    expect(digest).not.toHaveBeenCalled()
  })
})
