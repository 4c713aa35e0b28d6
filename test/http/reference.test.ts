import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const TYPES = {
  docs: 'text/html; charset=utf-8',
  'docs/reference.css': 'text/css; charset=utf-8',
  'docs/reference.js': 'text/javascript; charset=utf-8',
  'docs/swagger-ui.css': 'text/css; charset=utf-8',
  'docs/swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
}

describe.each(['', '/kom'])('the reference below the base path "%s"', (basePath) => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startTestGateway([{ id: 'demo', demo: true }], { basePath })
  })
  afterAll(() => gateway.close())

  it.each(Object.entries(TYPES))('serves %s as %s under a strict Content-Security-Policy', async (path, type) => {
    const { status, headers, text } = await gateway.send('GET', `/${path}`)
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([200, type, 'no-cache'])
    const policy = headers.get('content-security-policy')
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/)
    expect(policy).not.toContain('unsafe')
    expect(text.length).toBeGreaterThan(0)
  })

  it.each(Object.keys(TYPES))('responds with 304 without a body to a request for %s with its tag', async (path) => {
    const etag = (await gateway.send('GET', `/${path}`)).headers.get('etag') ?? ''
    const again = await gateway.send('GET', `/${path}`, { headers: { 'If-None-Match': etag } })
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
    const other = await gateway.send('GET', `/${path}`, { headers: { 'If-None-Match': '"other"' } })
    expect([other.status, other.headers.get('etag')]).toEqual([200, etag])
  })

  it('serves every file that the page names', async () => {
    const { text } = await gateway.send('GET', '/docs')
    const names = [...text.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, name]) => name)
    expect(new Set(names)).toEqual(new Set(Object.keys(TYPES).filter((name) => name !== 'docs')))
  })

  it('redirects a trailing slash, with which the relative URLs of the page would be wrong', async () => {
    const response = await fetch(`${gateway.url}/docs/`, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([308, '../docs'])
    expect((await fetch(`${gateway.url}/docs/`)).url).toBe(`${gateway.url}/docs`)
  })

  it.each(['docs/index.html', 'docs/files.ts', 'docs/LICENSE', 'docs/reference_js', 'docs/..%2freference.js'])(
    'serves no other file: %s',
    async (path) => {
      expect((await gateway.send('GET', `/${path}`)).status).toBe(path.includes('..') ? 400 : 404)
    },
  )
})
