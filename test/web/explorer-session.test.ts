import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ExplorerSession } from '../../src/web/console/explorer/session/session.ts'

let sent: string[]
beforeEach(() => {
  sent = []
  vi.stubGlobal('fetch', async (url: string | URL, { method, keepalive }: RequestInit) => {
    sent.push(`${method} ${new URL(url).pathname}${keepalive ? ' keepalive' : ''}`)
    if (method === 'DELETE') return new Response(null, { status: 204 })
    return Response.json({ connection_id: 'an id', session_no: 1 }, { status: 201 })
  })
})
afterEach(() => vi.unstubAllGlobals())

it.each([
  ['is left', false, ''],
  ['is closed with its page', true, ' keepalive'],
])('ends the session when the explorer %s', async (_, isLeaving, mark) => {
  const session = new ExplorerSession(new URL('http://gateway/'))
  await session.open('kom')
  session.end(isLeaving)
  await expect.poll(() => sent).toEqual(['POST /kom/sessions/', `DELETE /kom/sessions/0${mark}`])
  // A page may return from the cache of the browser.
  await session.open('kom')
  expect(sent.at(-1)).toBe('POST /kom/sessions/')
})
