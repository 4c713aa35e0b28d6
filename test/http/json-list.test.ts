import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { restSessionsApi } from '../../src/compat/rest-sessions.ts'
import { mapPages, pagesOf } from '../../src/http/output/json-list.ts'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import { PAGE } from '../../src/store/pages.ts'
import { keyOf } from '../../src/store/record.ts'
import { type CompatApp, startCompatApi } from '../support/compat-app.ts'
import { repetitions } from '../support/repetitions.ts'

const SESSIONS = repetitions(9100)
const DATA = { x: 'x'.repeat(60_000) }
/** On CI more than the longest string of V8. */
const LIST_MB = Math.round((SESSIONS * 60_000) / 1_000_000)

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const close of closing.splice(0)) await close()
})

const openApi = () =>
  startCompatApi(restSessionsApi, {
    isOpen: true,
    backend: new MemoryBackend({ maxRecords: 20_000, maxBytes: 2 ** 30 }),
  })

async function fill(api: CompatApp, count: number, data: { x: string }): Promise<void> {
  for (let i = 0; i < count; i++) {
    await api.store.create({ key: keyOf(`${i}`), app: 'mywebapp', user: 'u', ip: '10.0.0.1', idleMs: 60_000, data })
  }
}

async function serve(api: CompatApp): Promise<string> {
  const server = createAdaptorServer({ fetch: api.fetch })
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('lists of sessions', () => {
  it(`the gateway streams a list of ${LIST_MB} MB in chunks and serves other clients meanwhile`, {
    timeout: 60_000,
  }, async () => {
    const api = openApi()
    await fill(api, SESSIONS, DATA)
    const response = await api.fetch(new Request('http://localhost/mywebapp/soapp?dt=60'))
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    let ticks = 0
    const tick = () => {
      ticks++
      next = setImmediate(tick)
    }
    let next = setImmediate(tick)
    let bytes = 0
    let largest = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      largest = Math.max(largest, chunk.length)
    }
    clearImmediate(next)
    expect(bytes).toBeGreaterThan(SESSIONS * 60_000)
    expect(largest).toBeLessThan(200_000)
    expect(ticks).toBeGreaterThan(SESSIONS / PAGE - 3)
  })

  it('the gateway sends a list of several pages as one JSON document', async () => {
    const api = openApi()
    await fill(api, 1234, { x: 'å"\\\u2028😀'.repeat(100) })
    const url = await serve(api)
    const { sessions, ...rest } = (await (await fetch(`${url}/mywebapp/soapp?dt=60`)).json()) as {
      sessions: { d: object }[]
    }
    expect(sessions).toHaveLength(1234)
    expect(sessions[1000]?.d).toEqual({ x: 'å"\\\u2028😀'.repeat(100) })
    expect(rest).toEqual({})
    expect(await (await fetch(`${url}/mywebapp/killsoid/u`, { method: 'DELETE' })).json()).toEqual({ kill: 1234 })
  })

  it('the gateway breaks the response off, without the reason, if the store fails at the third page', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const api = openApi()
    const record = await api.store.create({ key: keyOf('x'), app: 'mywebapp', user: 'u' })
    const failure = new StoreError('unavailable', 'Redis at 10.9.8.7 is unavailable')
    api.store.listActive = async function* () {
      yield [record]
      yield [record]
      throw failure
    }
    const response = await fetch(`${await serve(api)}/mywebapp/soapp?dt=60`).catch(() => undefined)
    const text = await response?.text().catch(() => 'broken off')
    expect(text ?? 'broken off').toBe('broken off')
    expect(api.reported).toEqual([failure])
    expect(log).not.toHaveBeenCalled()
  })

  it('the gateway answers 503 if the store fails at the first page', async () => {
    const api = openApi()
    api.store.listActive = async function* () {
      yield await Promise.reject(new StoreError('unavailable', 'Redis at 10.9.8.7 is unavailable'))
    }
    const { status, text } = await api.send('GET', '/mywebapp/soapp?dt=60')
    expect(status).toBe(503)
    expect(text).not.toContain('10.9.8.7')
  })

  it('the gateway stops reading pages after the client disconnects', async () => {
    const api = openApi()
    await fill(api, 1000, DATA)
    let pages = 0
    const listActive = api.store.listActive.bind(api.store)
    let ended: () => void = () => undefined
    const end = new Promise<void>((resolve) => {
      ended = resolve
    })
    api.store.listActive = async function* (...args) {
      try {
        for await (const page of listActive(...args)) {
          pages++
          yield page
        }
      } finally {
        ended()
      }
    }
    const response = await fetch(`${await serve(api)}/mywebapp/soapp?dt=60`)
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await end
    expect(pages).toBeLessThan(1000 / PAGE)
    expect(api.reported).toEqual([])
  })
})

describe('pagesOf and mapPages', () => {
  it('pagesOf returns every item once, in order', async () => {
    const sizes: number[] = []
    const items: number[] = []
    for await (const page of pagesOf(new Set([1, 2, 3, 4, 5]), 2)) {
      sizes.push(page.length)
      items.push(...page)
    }
    expect([sizes, items]).toEqual([
      [2, 2, 1],
      [1, 2, 3, 4, 5],
    ])
  })

  it('mapPages stops after the maximum number of items, and reports it', async () => {
    const pages = mapPages(pagesOf([1, 2, 3, 4, 5], 2), (n) => ({ n }), 3)
    expect(await pages.next()).toEqual({ done: false, value: [{ n: 1 }, { n: 2 }] })
    expect(await pages.next()).toEqual({ done: false, value: [{ n: 3 }] })
    expect(await pages.next()).toEqual({ done: true, value: { truncated: true } })
  })
})
