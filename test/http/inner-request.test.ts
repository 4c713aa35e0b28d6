import { getRequestListener } from '@hono/node-server'
import { beforeAll, expect, it } from 'vitest'
import { plainResponse } from '../../src/http/node/inner-request.ts'

// Replaces the global `Response` as a listener does.
beforeAll(() => void getRequestListener(() => new Response()))

it('plainResponse returns what a response of node-server was made of', () => {
  const headers = { 'Content-Type': 'text/plain' }
  expect(plainResponse(new Response('x', { status: 201, headers }))).toEqual({ status: 201, headers, body: 'x' })
  expect(plainResponse(new Response(null, { status: 204 }))).toEqual({ status: 204, headers: {}, body: null })
  const bytes = Buffer.from('x')
  expect(plainResponse(new Response(bytes, { headers }))?.body).toBe(bytes)
  const changed = new Response('x', { headers })
  changed.headers.set('ETag', '"y"')
  const read = plainResponse(changed)
  expect(Object.fromEntries(read?.headers as Headers)).toEqual({ 'content-type': 'text/plain', etag: '"y"' })
})

it('plainResponse returns undefined for a stream and for a response that was read', async () => {
  expect(plainResponse(new Response(new ReadableStream()))).toBeUndefined()
  const read = new Response('x')
  await read.text()
  expect(plainResponse(read)).toBeUndefined()
})
