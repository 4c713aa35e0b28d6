import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../support/gateway.ts'
import { HttpConnection, header, requestBytes } from '../support/http-connection.ts'
import { lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'
import { openRaw, rawRequest } from '../support/raw-http.ts'
import { canStartCluster, onCluster, SERVER, WHO_AM_I } from './stage.ts'

const TEXT = `/${SERVER}/texts/30`
/** Headers that differ between two requests. */
const VARYING = ['date', 'x-request-id', 'keep-alive', 'connection', 'content-length', 'transfer-encoding']

/** The headers of a response that must not depend on the node. */
function comparable({ headers }: Answer): [name: string, value: string][] {
  return [...headers].filter(([name]) => !VARYING.includes(name))
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe.skipIf(!canStartCluster)('a node that has not the session', () => {
  const stage = onCluster({ transports: ['cookie', 'query', 'bearer'], corsOrigins: ['https://app.example'] })

  it.each([
    ['GET', WHO_AM_I],
    ['GET', TEXT],
    ['HEAD', TEXT],
    ['GET', `${TEXT}/body`],
    ['HEAD', `${TEXT}/body`],
    ['GET', `/${SERVER}/texts/999999`],
    ['GET', `/${SERVER}/texts/x`],
    ['POST', `/${SERVER}/sessions/current/active`],
    ['GET', `/${SERVER}/conferences/?name=${encodeURIComponent('å ö%/')}&want-confs=true`],
    ['OPTIONS', WHO_AM_I],
    ['PUT', WHO_AM_I],
  ])('answers %s %s like the node of the session', async (method, path) => {
    const id = await stage.logIn()
    const [own, forwarded] = await stage.sendBoth(method, path, { id })
    expect(forwarded.status).toBe(own.status)
    expect(forwarded.text).toBe(own.text)
    expect(comparable(forwarded)).toEqual(comparable(own))
  })

  it('keeps the length of the body in the response to HEAD', async () => {
    const id = await stage.logIn()
    const [own, forwarded] = await stage.sendBoth('HEAD', `${TEXT}/body`, { id })
    expect(forwarded.headers.get('content-length')).toBe(own.headers.get('content-length'))
  })

  it('carries bodies in JSON both ways', async () => {
    const id = await stage.logIn()
    const json = { subject: 'ärende', body: `åäö ☃ ${'x'.repeat(100_000)}`, content_type: 'text/plain' }
    const written = await stage.other.send('POST', `/${SERVER}/texts/`, { id, json })
    expect(written.status).toBe(201)
    const read = await stage.other.send('GET', `/${SERVER}/texts/${written.json.text_no}`, { id })
    expect(read.json).toMatchObject({ subject: 'ärende', body: json.body })
  })

  it('revalidates with the entity tag of the node of the session', async () => {
    const id = await stage.logIn()
    const { headers } = await stage.owner.send('GET', `${TEXT}/body`, { id })
    const etag = headers.get('etag') as string
    const [own, forwarded] = await stage.sendBoth('GET', `${TEXT}/body`, { id, headers: { 'if-none-match': etag } })
    expect([own.status, forwarded.status]).toEqual([304, 304])
    expect(forwarded.text).toBe('')
    expect(comparable(forwarded)).toEqual(comparable(own))
  })

  it('passes Set-Cookie on, and finds the session by the cookie', async () => {
    const opened = await stage.owner.send('POST', `/${SERVER}/sessions/`, {
      json: { client: { name: 't', version: '1' } },
    })
    const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] as string
    const headers = { cookie, 'sec-fetch-site': 'same-origin' }
    expect((await stage.other.send('GET', WHO_AM_I, { headers })).status).toBe(200)
    const second = await stage.other.send('POST', `/${SERVER}/sessions/`, {
      headers,
      json: { client: { name: 't', version: '1' } },
    })
    expect(second.status).toBe(409)
    const ended = await stage.other.send('DELETE', `/${SERVER}/sessions/0`, { headers })
    expect(ended.status).toBe(204)
    expect(ended.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-komgate-kom=;.*Max-Age=0/)])
    const again = await stage.other.send('POST', `/${SERVER}/sessions/`, {
      headers,
      json: { client: { name: 't', version: '1' } },
    })
    expect(again.status).toBe(201)
    expect(again.headers.getSetCookie()).toHaveLength(1)
  })

  it('takes the id from a bearer token and from the query', async () => {
    const id = await stage.logIn()
    expect((await stage.other.send('GET', `${WHO_AM_I}?_token=${id}`)).status).toBe(200)
    expect((await stage.other.send('GET', WHO_AM_I, { headers: { authorization: `Bearer ${id}` } })).status).toBe(200)
  })

  it.each(['https://app.example', 'https://evil.example'])(
    'sends each CORS header once, for the origin %s',
    async (origin) => {
      const id = await stage.logIn()
      const [own, forwarded] = await stage.sendBoth('GET', WHO_AM_I, { id, headers: { origin } })
      expect(comparable(forwarded)).toEqual(comparable(own))
      const allowed = forwarded.headers.get('access-control-allow-origin')
      expect(allowed).toBe(origin === 'https://app.example' ? origin : null)
    },
  )

  it('answers a preflight request itself', async () => {
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'httpkom-connection',
    }
    const [own, forwarded] = await stage.sendBoth('OPTIONS', WHO_AM_I, { headers })
    expect(forwarded.status).toBe(204)
    expect(comparable(forwarded)).toEqual(comparable(own))
  })

  it('forwards a batch as a whole', async () => {
    const id = await stage.logIn()
    const requests = [
      { id: 'a', method: 'GET', url: '/sessions/current/who-am-i' },
      { id: 'b', method: 'GET', url: '/texts/{a#/person/pers_no}/body' },
    ]
    const [own, forwarded] = await stage.sendBoth('POST', `/${SERVER}/batch`, { id, json: { requests } })
    expect(own.status).toBe(200)
    expect(forwarded.json).toEqual(own.json)
  })

  it('takes a ticket once, whatever node created it', async () => {
    const id = await stage.logIn()
    const ticketOf = async () =>
      (await stage.other.send('POST', `/${SERVER}/sessions/current/tickets`, { id })).json.ticket
    const ticket = await ticketOf()
    expect(ticket).toMatch(/^[\da-f]{3}[\w-]{40}$/)
    const path = (text: string) => `${TEXT}/body?ticket=${text}`
    expect((await stage.other.send('GET', path(ticket))).status).toBe(200)
    expect((await stage.owner.send('GET', path(ticket))).status).toBe(403)
    const second = await ticketOf()
    expect((await stage.owner.send('GET', path(second))).status).toBe(200)
    expect((await stage.other.send('GET', path(second))).status).toBe(403)
  })

  it('writes the same request id to the log of both nodes', async () => {
    const id = await stage.logIn()
    const { headers } = await stage.other.send('GET', WHO_AM_I, { id })
    const requestId = headers.get('x-request-id') as string
    for (const { log } of [stage.owner, stage.other]) {
      await expect.poll(() => log.filter((line) => line.includes(requestId)).length).toBe(1)
    }
  })

  it.each([
    ['of the request', true],
    ['of another session', false],
  ])('replaces a request id that holds the connection id %s, and logs it nowhere', async (_, isOfRequest) => {
    const id = await stage.logIn()
    // Before the first request, the node does not know the node of the session.
    if (!isOfRequest) await stage.other.send('GET', WHO_AM_I, { id })
    for (const text of [`x-${id}`, id, `${id}.1`, id.replaceAll('-', '').toUpperCase()]) {
      if (isOfRequest && !text.includes(id)) continue
      const { headers } = await stage.other.send('GET', isOfRequest ? WHO_AM_I : TEXT, {
        ...(isOfRequest && { id }),
        headers: { 'x-request-id': text },
      })
      expect(headers.get('x-request-id')).toMatch(/^[\da-f]{12}-[\da-z]+$/)
    }
    const digits = id.replaceAll('-', '')
    for (const { log } of [stage.owner, stage.other]) {
      expect(log.filter((line) => line.toLowerCase().replaceAll('-', '').includes(digits))).toEqual([])
    }
  })

  it('keeps a request id that is a UUID in a slot without a node', async () => {
    const id = await stage.logIn()
    const requestId = 'fff58ebd-02f7-4d3f-942e-904344e8cde5'
    const { headers } = await stage.other.send('GET', WHO_AM_I, { id, headers: { 'x-request-id': requestId } })
    expect(headers.get('x-request-id')).toBe(requestId)
  })

  it('rejects a chunked body over the limit with 413', async () => {
    const id = await stage.logIn()
    const raw = await openRaw(stage.other.url)
    const fields = { 'Httpkom-Connection': id, 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/json' }
    raw.socket.write(rawRequest('POST', `/${SERVER}/texts/`, fields))
    const chunk = `100000\r\n${'x'.repeat(0x10_0000)}\r\n`
    for (let i = 0; i < 9; i++) raw.socket.write(chunk)
    await raw.received(/^HTTP\/1\.1 413 /)
    raw.socket.destroy()
    expect((await stage.other.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })

  it('rejects a body over the limit with 413 before it arrives', async () => {
    const id = await stage.logIn()
    const raw = await openRaw(stage.other.url)
    const fields = { 'Httpkom-Connection': id, 'Content-Length': '8388609', Expect: '100-continue' }
    raw.socket.write(rawRequest('POST', `/${SERVER}/texts/`, fields))
    await raw.received(/^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 413 /)
    raw.socket.destroy()
  })
})

describe.skipIf(!canStartCluster || !lyskomdInstalled())('large bodies through a node that has not the session', () => {
  const BYTES = 8_000_000
  const stage = onCluster({ maxBodyBytes: 16_000_000, maxMessageBytes: 20_000_000 }, () =>
    startLyskomd({ maxTextBytes: 16_000_000 }),
  )
  const image = Buffer.from(Array.from({ length: BYTES }, (_, i) => (i * 31 + (i >> 8)) & 0xff))

  async function author(): Promise<string> {
    const id = await stage.owner.open()
    await stage.owner.send('POST', `/${SERVER}/sessions/current/login`, { id, json: { pers_no: 5, passwd: 'gazonk' } })
    return id
  }

  it('carries an image of 8 MB up and down, with and without a length', async () => {
    const id = await author()
    const json = { subject: 's', body: image.toString('base64'), content_type: 'image/png', content_encoding: 'base64' }
    const body = JSON.stringify(json)
    const path = `/${SERVER}/texts/`
    const sized = await stage.other.send('POST', path, { id, json })
    expect(sized.status).toBe(201)
    const raw = await openRaw(stage.other.url)
    const fields = { 'Httpkom-Connection': id, 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/json' }
    raw.socket.write(rawRequest('POST', path, fields))
    for (let at = 0; at < body.length; at += 100_000) {
      const piece = body.slice(at, at + 100_000)
      raw.socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`)
    }
    raw.socket.write('0\r\n\r\n')
    await raw.received(/^HTTP\/1\.1 201 .*\r\n\r\n.*"text_no"/s)
    raw.socket.destroy()
    const chunkedNo = Number(/"text_no":(\d+)/.exec(raw.text)?.[1])
    for (const no of [sized.json.text_no, chunkedNo]) {
      const connection = await HttpConnection.open(Number(new URL(stage.other.url).port))
      const response = await connection.request(
        requestBytes({ method: 'GET', path: `/${SERVER}/texts/${no}/body`, id }),
      )
      connection.close()
      expect(response?.status).toBe(200)
      expect(sha(response?.body as Buffer)).toBe(sha(image))
      expect(response && header(response, 'content-length')).toBe(`${BYTES}`)
    }
  })
})
