import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { build } from '../support/built-command.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const BUILD_MS = 60_000
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

beforeAll(build, BUILD_MS)

describe.each(['', '/kom'])('the web client below the base path "%s"', (basePath) => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startTestGateway([{ id: 'demo', demo: true }], { basePath })
  })
  afterAll(() => gateway.close())

  /** Returns the paths of the files that the page names, below the base path. */
  async function assets(): Promise<string[]> {
    const { text } = await gateway.send('GET', '/app/')
    return [...text.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, name]) => `/app/${name}`)
  }

  it('serves the page under a strict Content-Security-Policy', async () => {
    const { status, headers } = await gateway.send('GET', '/app/')
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-cache',
    ])
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; " +
        "frame-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    expect([headers.get('x-content-type-options'), headers.get('referrer-policy')]).toEqual(['nosniff', 'no-referrer'])
  })

  it('responds with 304 without a body to a request for the page with its tag', async () => {
    const etag = (await gateway.send('GET', '/app/')).headers.get('etag') ?? ''
    const again = await gateway.send('GET', '/app/', { headers: { 'If-None-Match': etag } })
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
    expect((await gateway.send('GET', '/app/', { headers: { 'If-None-Match': '"other"' } })).status).toBe(200)
  })

  it('redirects to a trailing slash, without which the relative URLs of the page would be wrong', async () => {
    const response = await fetch(`${gateway.url}/app`, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([308, 'app/'])
    expect((await fetch(`${gateway.url}/app`)).url).toBe(`${gateway.url}/app/`)
  })

  it.each([
    ['sw.js', 'text/javascript; charset=utf-8'],
    ['app.webmanifest', 'application/manifest+json'],
  ])('serves %s as %s, to be revalidated', async (file, type) => {
    const { status, headers } = await gateway.send('GET', `/app/${file}`)
    const etag = headers.get('etag') ?? ''
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([200, type, 'no-cache'])
    const again = await gateway.send('GET', `/app/${file}`, { headers: { 'If-None-Match': etag } })
    expect([again.status, again.text]).toEqual([304, ''])
  })

  it('serves every icon of the web app manifest in the size that it names', async () => {
    const { json, text } = await gateway.send('GET', '/app/app.webmanifest')
    const { icons } = json ?? JSON.parse(text)
    expect(icons.map(({ sizes }: { sizes: string }) => sizes)).toEqual(['any', '192x192', '512x512', '512x512'])
    for (const { src, sizes, type } of icons) {
      const response = await fetch(`${gateway.url}/app/${src}`)
      expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
      const image = Buffer.from(await response.arrayBuffer())
      if (type === 'image/png') expect(`${image.readUInt32BE(16)}x${image.readUInt32BE(20)}`).toBe(sizes)
    }
  })

  it('serves every file that the page names, to be kept for a year', async () => {
    const paths = await assets()
    expect(new Set(paths.map((path) => /\.\w+$/.exec(path)?.[0]))).toEqual(new Set(['.css', '.js', '.svg', '.png']))
    for (const path of paths) {
      const { status, headers } = await gateway.send('GET', path)
      expect([
        status,
        headers.get('cache-control'),
        headers.get('x-content-type-options'),
        headers.get('vary'),
      ]).toEqual([200, 'public, max-age=31536000, immutable', 'nosniff', 'Accept-Encoding'])
      expect(headers.get('content-type')).toMatch(
        /^(?:text\/(?:css|javascript); charset=utf-8|image\/(?:svg\+xml|png))$/,
      )
    }
  })

  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, deflate', 'gzip'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['zstd', undefined],
    ['', undefined],
  ])('compresses files for "Accept-Encoding: %s" with %s', async (accept, coding) => {
    const script = (await assets()).find((path) => path.endsWith('.js'))
    const plain = (await gateway.send('GET', script ?? '')).text
    const [response] = (await once(
      get(`${gateway.url}${script}`, { headers: { 'Accept-Encoding': accept } }),
      'response',
    )) as [IncomingMessage]
    const body = await buffer(response)
    expect([response.statusCode, response.headers['content-encoding']]).toEqual([200, coding])
    const decoded = coding === 'br' ? brotliDecompressSync(body) : coding === 'gzip' ? gunzipSync(body) : body
    expect(decoded.toString()).toBe(plain)
  })

  it.each([
    'app/index.html',
    'app/reader.html',
    'app/assets/manifest.json',
    'app/assets/',
    'app/assets/..%2freader.html',
  ])('serves no other file: %s', async (path) => {
    expect((await gateway.send('GET', `/${path}`)).status).toBe(path.includes('..') ? 400 : 404)
  })

  it.each(['', '/'])('redirects a browser from the base path with "%s" to the page', async (slash) => {
    if (basePath === '' && slash === '') return
    const response = await fetch(gateway.url + slash, { headers: { Accept: BROWSER }, redirect: 'manual' })
    expect([response.status, response.headers.get('vary')]).toEqual([303, 'Accept'])
    expect(new URL(response.headers.get('location') ?? '', gateway.url + slash).href).toBe(`${gateway.url}/app/`)
  })

  it.each(['*/*', 'application/json', 'text/html;q=0.5, application/json', 'image/*'])(
    'lists the servers for "Accept: %s"',
    async (accept) => {
      const { status, headers, json } = await gateway.send('GET', '/', { headers: { Accept: accept } })
      expect([status, headers.get('vary'), Object.keys(json)]).toEqual([200, 'Accept', ['demo']])
    },
  )
})

it('is not there with --web off, and browsers receive the list of servers', async () => {
  const gateway = await startTestGateway([{ id: 'demo', demo: true }], { web: 'off' })
  try {
    const { status, headers, json } = await gateway.send('GET', '/', { headers: { Accept: BROWSER } })
    expect([status, headers.get('vary'), Object.keys(json)]).toEqual([200, null, ['demo']])
    expect((await gateway.send('GET', '/app/')).status).toBe(404)
    const { json: description } = await gateway.send('GET', '/openapi.json')
    expect(Object.keys(description.paths).filter((path) => path.startsWith('/app'))).toEqual([])
  } finally {
    await gateway.close()
  }
})
