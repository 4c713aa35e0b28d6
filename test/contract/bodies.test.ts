import { describe, expect, it } from 'vitest'
import { noSuchText } from './answers.ts'
import type { Stored } from './author.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

/** All 256 byte values, including line feeds. */
const BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
const REVALIDATED = 'private, no-cache'

describe.each(BACKENDS)('body routes on $name', ({ start }) => {
  const stage = onStage(start)
  const stored = async (text: Stored) => (await stage.author('alice')).write({ to: [stage.cast.club.no], ...text })

  const fetchBytes = async (no: number, query = '') => {
    const { id } = await stage.as('bob')
    const answer = await fetch(`${stage.gateway.url}/kom/texts/${no}/body${query}`, {
      headers: query === '' ? { 'httpkom-connection': id } : {},
    })
    return { type: answer.headers.get('content-type'), bytes: Buffer.from(await answer.arrayBuffer()) }
  }

  it.each(['application/octet-stream', 'image/png', 'image/jpeg;name=image:abc.jpg', 'image/svg+xml', 'audio/basic'])(
    'serves a body of type %s byte for byte',
    async (contentType) => {
      const no = await stored({ text: Buffer.concat([Buffer.from('a\n'), BYTES]), contentType })
      expect(await fetchBytes(no)).toEqual({ type: contentType, bytes: BYTES })
    },
  )

  it('serves a body with the connection id in the query, as an <img> element needs', async () => {
    const no = await stored({ text: Buffer.concat([Buffer.from('a\n'), BYTES]), contentType: 'image/png' })
    const { id } = await stage.as('bob')
    expect(await fetchBytes(no, `?Httpkom-Connection=${id}&_v=0`)).toEqual({ type: 'image/png', bytes: BYTES })
  })

  it('serves a whole user area, and a whole text without a line feed', async () => {
    const { texts } = stage.cast
    const area = await (await stage.as('alice')).get(`/texts/${texts.userArea}/body`)
    expect(area.text).toMatch(/^\d+H6Hcommon5Hjskom5Helisp4Hdeep 3H2 H\n/)
    expect((await fetchBytes(await stored({ text: 'no line feed' }))).bytes.toString()).toBe('no line feed')
  })

  it('serves the same body to two persons', async () => {
    const { texts } = stage.cast
    const answers = []
    for (const who of ['alice', 'bob', 'carol'] as const) {
      answers.push((await (await stage.as(who)).get(`/texts/${texts.root}/body`)).text)
    }
    expect(new Set(answers)).toEqual(new Set(['åäö\nrad två']))
  })

  it.each(['text/html', 'image/svg+xml', 'text/plain', 'application/octet-stream'])(
    'serves a body of type %s without active content and with revalidation',
    async (contentType) => {
      const no = await stored({ text: 's\n<script>alert(1)</script>', contentType })
      const { status, headers } = await (await stage.as('bob')).get(`/texts/${no}/body`)
      expect(status).toBe(200)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/)
      expect(headers.get('content-security-policy')).not.toMatch(/script|allow-/)
      // The web client may display it in a frame, pages of other origins may not.
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'self'")
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN')
      expect(headers.get('cache-control')).toBe(REVALIDATED)
      expect(headers.get('etag')).toMatch(/^"[^"]+"$/)
    },
  )

  it('answers a matching If-None-Match with 304', async () => {
    const path = `/texts/${stage.cast.texts.root}/body`
    const bob = await stage.as('bob')
    const tag = (await bob.get(path)).headers.get('etag') ?? ''
    for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const answer = await bob.get(path, { 'if-none-match': known })
      expect([known, answer.status, answer.text]).toEqual([known, 304, ''])
      expect([answer.headers.get('etag'), answer.headers.get('cache-control')]).toEqual([tag, REVALIDATED])
    }
    for (const unknown of ['"x"', 'W/"x"', '""']) {
      const answer = await bob.get(path, { 'if-none-match': unknown })
      expect([unknown, answer.status, answer.text]).toEqual([unknown, 200, 'åäö\nrad två'])
    }
  })

  it('gives each body its own ETag', async () => {
    const [one, two] = [await stored({ text: 's\na' }), await stored({ text: 's\na' })]
    const bob = await stage.as('bob')
    const tags = [one, two].map(async (no) => (await bob.get(`/texts/${no}/body`)).headers.get('etag'))
    expect(new Set(await Promise.all(tags)).size).toBe(2)
  })

  it.each([
    ['windows-1252', [0x35, 0x20, 0x80], '5 €'],
    ['IBM850', [0x86, 0x73, 0x61], 'åsa'],
    ['Mac-Roman', [0x8c, 0x73, 0x61], 'åsa'],
    ['utf-7', [...Buffer.from('+AOU-sa')], 'åsa'],
    ['cp932', [0x82, 0xa0], 'あ'],
    ['utf-16be', [0x00, 0xe5], 'å'],
    ['UTF-16', [0xfe, 0xff, 0x00, 0xe5], 'å'],
    ['gb18030', [0xff], 'ÿ'],
  ])('decodes bodies in the charset %s', async (charset, bytes, text) => {
    const contentType = `text/plain;charset=${charset}`
    const no = await stored({ text: Buffer.concat([Buffer.from('s\n'), Buffer.from(bytes)]), contentType })
    const bob = await stage.as('bob')
    const body = await bob.get(`/texts/${no}/body`)
    expect([body.text, body.headers.get('content-type')]).toEqual([text, 'text/plain; charset=utf-8'])
    expect((await bob.get(`/texts/${no}`)).json).toMatchObject({ subject: 's', body: text })
  })

  it('decodes a text that is entirely in UTF-16', async () => {
    const bytes = Buffer.from('\ufeffÅsa\nrad 1\nrad 2', 'utf16le')
    for (const text of [bytes, Buffer.from(bytes).swap16()]) {
      const no = await stored({ text, contentType: 'text/plain;charset=utf-16' })
      const bob = await stage.as('bob')
      expect((await bob.get(`/texts/${no}`)).json).toMatchObject({ subject: 'Åsa', body: 'rad 1\nrad 2' })
      expect((await bob.get(`/texts/${no}/body`)).text).toBe('rad 1\nrad 2')
    }
  })

  it('hides the body of a secret text from other persons although a reader has already fetched it', async () => {
    const no = stage.cast.texts.secret
    const path = `/texts/${no}/body`
    const read = await (await stage.as('alice')).get(path)
    expect([read.status, read.text]).toEqual([200, 'inte för alla'])
    const tag = read.headers.get('etag') ?? ''
    const bob = await stage.as('bob')
    for (const headers of [{}, { 'if-none-match': tag }, { 'if-none-match': '*' }] as Record<string, string>[]) {
      const answer = await bob.get(path, headers)
      expect([answer.status, answer.json]).toEqual([404, noSuchText(no)])
      expect([answer.headers.get('etag'), answer.headers.get('cache-control')]).toEqual([null, 'no-cache'])
    }
  })

  it('fetches a body again after another person logs in on the same session', async () => {
    const client = await stage.fresh('alice')
    const path = `/texts/${stage.cast.texts.secret}/body`
    expect((await client.get(path)).status).toBe(200)
    await stage.login(client, 'bob')
    expect((await client.get(path)).status).toBe(404)
  })

  it('answers HEAD with the headers of GET and no body', async () => {
    const alice = await stage.as('alice')
    const path = `/texts/${stage.cast.texts.root}/body`
    const [got, head] = [await alice.get(path), await alice.head(path)]
    expect([head.status, head.text]).toEqual([200, ''])
    for (const name of ['content-type', 'etag', 'cache-control', 'content-security-policy']) {
      expect(head.headers.get(name)).toBe(got.headers.get(name))
    }
  })
})
