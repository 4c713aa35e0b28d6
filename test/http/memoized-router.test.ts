import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { TrieRouter } from 'hono/router/trie-router'
import { afterEach, beforeEach, expect, it, type MockInstance, vi } from 'vitest'
import { MemoizedRouter } from '../../src/http/node/memoized-router.ts'

const ROUTES = [
  ['ALL', '/*', 'all'],
  ['ALL', '/:server/texts/*', 'server'],
  ['GET', '/:server/texts/:no{[0-9]+}', 'text'],
  ['GET', '/:server/texts/marks', 'marks'],
  ['DELETE', '/:server/sessions/:no{[0-9]+}', 'session'],
  ['GET', '/:app/get/:token', 'token'],
] as const
const UUID = 'f058ebd6-02f7-4d3f-942e-904344e8cde5'

let router: MemoizedRouter<string>
let searches: MockInstance
beforeEach(() => {
  router = new MemoizedRouter()
  for (const [method, path, handler] of ROUTES) router.add(method, path, handler)
  searches = vi.spyOn(TrieRouter.prototype, 'match')
})
afterEach(() => searches.mockRestore())

const found = (method: string, path: string) => router.match(method, path)[0]

it('the router finds the same routes as Hono, the first and every later time', () => {
  const hono = new TrieRouter<string>()
  for (const [method, path, handler] of ROUTES) hono.add(method, path, handler)
  for (const path of ['/', '/kom/texts/marks', '/kom/texts/17', '/kom/texts/17x', '/kom/sessions/1', '/kom/get/x']) {
    for (const method of ['GET', 'DELETE', 'GET']) {
      expect([method, path, found(method, path)]).toEqual([method, path, hono.match(method, path)[0]])
    }
  }
})

it('the router searches once for repeated paths', () => {
  const asked = [found('GET', '/kom/texts/17'), found('GET', '/kom/texts/17'), found('GET', '/kom/texts/18')]
  expect(asked.map((each) => each.at(-1))).toEqual([
    ['text', { server: 'kom', no: '17' }],
    ['text', { server: 'kom', no: '17' }],
    ['text', { server: 'kom', no: '18' }],
  ])
  expect(searches).toHaveBeenCalledTimes(2)
})

it('the router finds a route that was added later', () => {
  expect(found('GET', '/kom/texts')).toEqual([
    ['all', {}],
    ['server', { server: 'kom' }],
  ])
  router.add('GET', '/:server/texts', 'texts')
  expect(found('GET', '/kom/texts').at(-1)).toEqual(['texts', { server: 'kom' }])
})

it.each([`/kom/sessions/${UUID}`, `/${UUID.toUpperCase()}/texts/1`, '/shop/get/Token', `/${'x'.repeat(200)}`])(
  'the router does not cache %s',
  (path) => {
    found('GET', path)
    found('GET', path)
    expect(searches).toHaveBeenCalledTimes(2)
  },
)

it('the router keeps the most recently used paths, up to a limit', () => {
  for (let no = 1; no <= 10_000; no++) {
    found('GET', '/kom/texts/marks')
    found('GET', `/kom/texts/${no}`)
  }
  expect(searches).toHaveBeenCalledTimes(10_001)
  found('GET', '/kom/texts/10000')
  expect(searches).toHaveBeenCalledTimes(10_001)
  found('GET', '/kom/texts/1')
  expect(searches).toHaveBeenCalledTimes(10_002)
})

it('the router keeps no URL in memory for a cached path', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const held = () => {
    for (let i = 0; i < 3; i++) gc()
    return process.memoryUsage().heapUsed
  }
  const before = held()
  for (let i = 0; i < 500; i++) {
    const url = JSON.parse(`"/the-server-of-a-client/texts/${i}?${'q'.repeat(20_000)}"`) as string
    found('GET', url.slice(0, url.indexOf('?')))
  }
  expect(searches).toHaveBeenCalledTimes(500)
  searches.mockClear()
  expect(held() - before).toBeLessThan(4_000_000)
})
