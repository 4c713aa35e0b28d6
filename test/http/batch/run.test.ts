import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeldResponses } from '../../../src/http/batch/held-responses.ts'
import { BatchBody, parseBatch } from '../../../src/http/batch/requests.ts'
import { type RunContext, runBatch } from '../../../src/http/batch/run.ts'
import { UnreadBudget } from '../../../src/http/node/unread-budget.ts'
import { DEFAULTS } from '../../support/config.ts'

const get = (id: string, url: string, more: object = {}) => ({ id, method: 'GET', url, ...more })
const post = (id: string, body: unknown) => ({ id, method: 'POST', url: '/', body })

const errors: unknown[] = []
const limits: string[] = []

/** Runs a batch on an application. Returns the entries in the order of the requests. */
async function run(requests: object[], fetch: RunContext['fetch'], context: Partial<RunContext> = {}) {
  errors.length = 0
  limits.length = 0
  const batch = parseBatch(BatchBody.parse({ requests }))
  const responses = runBatch(batch, {
    fetch,
    root: 'http://localhost/kom/demo',
    bindings: { batch: {} as RunContext['bindings']['batch'] },
    requestId: 'id',
    maxBodySize: 1000,
    signal: new AbortController().signal,
    held: new HeldResponses(new UnreadBudget(DEFAULTS), 'network', undefined),
    observers: { onInternalError: (error) => errors.push(error), onLimit: (limit) => limits.push(limit) },
    ...context,
  })
  const all = await Promise.all(batch.requests.map(({ id }) => responses.get(id)))
  return all.map((each) => JSON.parse(each?.entry ?? 'null'))
}

const json = (value: unknown) =>
  new Response(JSON.stringify(value), { headers: { 'Content-Type': 'application/json' } })

describe('runBatch', () => {
  it('sends the requests below the root, with numbered request ids and a body in JSON', async () => {
    const sent: unknown[] = []
    const bindings = { batch: {} as RunContext['bindings']['batch'] }
    await run(
      [get('a', '/texts/1?x=%20', { headers: { Accept: '*/*' } }), post('b', { x: 'å' })],
      async (request, env) => {
        const { method, url, headers } = request
        const fields: Record<string, string> = {}
        headers.forEach((value, name) => {
          fields[name] = value
        })
        sent.push({ method, url, headers: fields, body: await request.text(), env })
        return json({})
      },
      { bindings },
    )
    expect(sent).toEqual([
      {
        method: 'GET',
        url: 'http://localhost/kom/demo/texts/1?x=%20',
        headers: { accept: '*/*', 'x-request-id': 'id.1' },
        body: '',
        env: bindings,
      },
      {
        method: 'POST',
        url: 'http://localhost/kom/demo/',
        headers: { 'content-type': 'application/json', 'content-length': '10', 'x-request-id': 'id.2' },
        body: '{"x":"å"}',
        env: bindings,
      },
    ])
  })

  it('keeps request ids short enough to be valid', async () => {
    const ids: (string | null)[] = []
    const fetch = (request: Request) => {
      ids.push(request.headers.get('x-request-id'))
      return json({})
    }
    await run([get('a', '/')], fetch, { requestId: 'x'.repeat(128) })
    expect(ids).toEqual([`${'x'.repeat(120)}.1`])
  })

  it('sends every request of any graph once, after the responses that it depends on', async () => {
    const graph = fc
      .array(fc.array(fc.nat(19), { maxLength: 3 }), { minLength: 1, maxLength: 20 })
      .map((edges) => edges.map((to, i) => to.filter((each) => each < i)))
    await fc.assert(
      fc.asyncProperty(graph, fc.scheduler(), async (edges, scheduler) => {
        const answered = new Set<number>()
        const sent: number[] = []
        const requests = edges.map((to, i) =>
          get(`r${i}`, `/${i}${to.map((each) => `/{r${each}#/no}`).join('')}`, {
            depends_on: to.map((each) => `r${each}`),
          }),
        )
        const entries = run(requests.reverse(), async ({ url }) => {
          const [no = 0, ...before] = url.split('/').slice(5).map(Number)
          sent.push(no)
          expect(before).toEqual(edges[no])
          for (const each of before) expect(answered).toContain(each)
          await scheduler.schedule(Promise.resolve())
          answered.add(no)
          return json({ no })
        })
        await scheduler.waitFor(entries)
        expect((await entries).map(({ body }) => body.no)).toEqual([...edges.keys()].reverse())
        expect(sent).toHaveLength(edges.length)
      }),
    )
  })

  it('answers 500 for a request that the application or its body fails, and reports the error', async () => {
    const failed = new Error('failed')
    const cut = new ReadableStream({ start: (controller) => controller.error(failed) })
    const [a, b, c] = await run([get('a', '/a'), get('b', '/b'), get('c', '/c')], ({ url }) => {
      if (url.endsWith('a')) throw failed
      return url.endsWith('b') ? new Response(cut, { headers: { 'Content-Type': 'application/json' } }) : json({})
    })
    const error = { error_type: 'httpkom', error_msg: 'Internal error.' }
    expect([a.status, a.body, b.status, b.body, c.status]).toEqual([500, error, 500, error, 200])
    expect(errors).toEqual([failed, failed])
  })

  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/problem+json', '[]', []],
    ['application/json', '', null],
    ['text/plain; charset=utf-8', 'räv ☃', 'räv ☃'],
    ['text/plain', Buffer.from('räv', 'latin1'), { base64: 'cuR2' }],
    ['image/png', Buffer.from([0x89]), { base64: 'iQ==' }],
    ['', Buffer.from('x'), { base64: 'eA==' }],
    ['text/plain', '', ''],
  ])('shows a body of the type %j as JSON', async (type, body, shown) => {
    const headers = type === '' ? {} : { 'Content-Type': type }
    const [entry] = await run([get('a', '/')], () => new Response(body, { headers }))
    expect(entry).toEqual({ id: 'a', status: 200, headers, body: shown })
  })

  it('passes on no other headers than the documented ones', async () => {
    const shown = { ETag: '"x"', Location: '/x', 'Retry-After': '5' }
    const hidden = { 'Set-Cookie': 'x=y', 'Httpkom-Connection': 'x', 'Cache-Control': 'no-cache', Vary: 'Origin' }
    const response = () => new Response(null, { status: 204, headers: { ...shown, ...hidden } })
    expect((await run([get('a', '/')], response))[0].headers).toEqual(shown)
  })

  it('answers 413 where the values that bodies refer to exceed the size of a body', async () => {
    const value = 'x'.repeat(298)
    const reference = { $ref: 'a#' }
    const [a, b, c, d] = await run(
      [get('a', '/'), post('b', [reference, reference, reference]), post('c', [reference]), post('d', ['x'])],
      async (request) => json(request.method === 'GET' ? value : (await request.text()).length),
    )
    expect([a.status, b.body, c.status, d.status]).toEqual([200, 904, 413, 200])
    expect(c.body).toEqual({ error_type: 'httpkom', error_msg: expect.any(String), limit: 'body-size' })
    expect(limits).toEqual(['body-size'])
  })

  it('answers 424 where references take too many steps', async () => {
    const value = Array.from({ length: 1200 }, () => Array.from({ length: 1000 }, () => 0))
    const [, b, c] = await run([get('a', '/'), post('b', { $ref: 'a#/*' }), post('c', { $ref: 'a#/0/0' })], () =>
      json(value),
    )
    expect([b.status, c.status]).toEqual([424, 424])
    expect(b.body.error_msg).toBe('The references of the batch select too many values.')
  })

  it('answers 504 for the responses that exceed 32 MB together', async () => {
    const megabyte = 'x'.repeat(2 ** 20)
    const entries = await run(
      Array.from({ length: 34 }, (_, i) => get(String(i), '/')),
      () => json(megabyte),
    )
    expect(entries.map(({ status }) => status)).toEqual([...Array.from({ length: 31 }, () => 200), 504, 504, 504])
    expect(entries[33].body).toMatchObject({ limit: 'batch-size' })
    expect(limits).toEqual(['batch-size', 'batch-size', 'batch-size'])
  })
})
