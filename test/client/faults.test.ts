import { HttpResponse } from 'msw'
import { describe, expect, it, vi } from 'vitest'
import {
  KomgateError,
  LimitError,
  LyskomError,
  NotLoggedInError,
  RequestError,
  SessionLostError,
  UnavailableError,
} from '../../src/client/index.ts'
import { failure, GATEWAY, lost, ok, type Respond, useFakeGateway } from './fake-gateway.ts'

const gateway = useFakeGateway()
const never: Respond = () => new Promise(() => undefined)

describe('the errors of the client', () => {
  const lyskom = { error_type: 'protocol-a', error_code: 14, error_status: '37', error_msg: 'NoSuchText' }
  const loginFirst = { error_type: 'protocol-a', error_code: 6, error_status: '0', error_msg: 'LoginFirst' }
  const wrong = { error_type: 'protocol-a', error_code: 4, error_status: '6', error_msg: 'InvalidPassword' }

  it.each([
    { status: 400, body: {}, error: RequestError, fields: { name: 'RequestError', message: 'injected' } },
    { status: 404, body: {}, error: RequestError, fields: { httpStatus: 404 } },
    { status: 409, body: {}, error: RequestError, fields: {} },
    { status: 500, body: {}, error: RequestError, fields: {} },
    { status: 401, body: {}, error: NotLoggedInError, fields: { name: 'NotLoggedInError' } },
    { status: 401, body: loginFirst, error: NotLoggedInError, fields: {} },
    { status: 401, body: wrong, error: LyskomError, fields: { name: 'InvalidPassword', code: 4, status: 6 } },
    { status: 404, body: lyskom, error: LyskomError, fields: { name: 'NoSuchText', code: 14, status: 37 } },
    { status: 403, body: {}, error: SessionLostError, fields: { name: 'SessionLostError' } },
    { status: 502, body: {}, error: UnavailableError, fields: { name: 'UnavailableError', httpStatus: 502 } },
    { status: 503, body: {}, error: UnavailableError, fields: {} },
    { status: 504, body: {}, error: UnavailableError, fields: {} },
    { status: 413, body: { limit: 'body-size' }, error: LimitError, fields: { limit: 'body-size' } },
  ])('are $error.name for $status $body.error_msg', async ({ status, body, error, fields }) => {
    const kom = await gateway.open({ retries: 0 })
    gateway.respond(failure(status, body))
    const thrown = await kom.texts.get(37).catch((reason) => reason)
    expect(thrown).toBeInstanceOf(error)
    expect(thrown).toBeInstanceOf(KomgateError)
    expect(thrown).toMatchObject({ httpStatus: status, retryAfter: undefined, ...fields })
  })

  it.each([429, 503])('carry the limit and Retry-After of a %i', async (status) => {
    const kom = await gateway.open({ retries: 0 })
    gateway.respond(failure(status, { limit: 'login-failures' }, { 'Retry-After': '30' }))
    const thrown = await kom.login({ pers_no: 6, passwd: 'x' }).catch((reason) => reason)
    expect(thrown).toBeInstanceOf(LimitError)
    expect(thrown).toMatchObject({ limit: 'login-failures', retryAfter: 30 })
  })

  it('carry the date in Retry-After of a proxy as seconds', async () => {
    const kom = await gateway.open({ retries: 0 })
    const date = new Date(Date.now() + 60_000).toUTCString()
    gateway.respond(() => new Response('<h1>busy</h1>', { status: 503, headers: { 'Retry-After': date } }))
    const thrown = await kom.active().catch((reason) => reason)
    expect(thrown).toBeInstanceOf(UnavailableError)
    expect(thrown.retryAfter).toBeGreaterThan(55)
    expect(thrown.retryAfter).toBeLessThanOrEqual(60)
  })

  it('are a RequestError for a 200 that is not JSON', async () => {
    const kom = await gateway.open()
    gateway.respond(() => HttpResponse.html('<h1>Sign in to this network</h1>'))
    await expect(kom.server.info()).rejects.toThrow(new RequestError('the response is not JSON', { httpStatus: 200 }))
  })

  it('keep the error of fetch as cause', async () => {
    const cause = new TypeError('no network')
    const failing = vi.fn(() => Promise.reject(cause))
    const opening = gateway.open({ fetch: failing })
    await expect(opening).rejects.toMatchObject({ name: 'UnavailableError', httpStatus: 0, cause })
    expect(failing).toHaveBeenCalledOnce()
  })
})

describe('retries', () => {
  it.each([
    { what: 'a 502', fault: failure(502) },
    { what: 'a 503', fault: failure(503) },
    { what: 'a 504', fault: failure(504) },
    { what: 'a lost connection', fault: lost },
    { what: 'the page of a proxy', fault: () => HttpResponse.html('<h1>Bad gateway</h1>', { status: 502 }) },
  ])('repeat a GET after $what', async ({ fault }) => {
    const kom = await gateway.open()
    gateway.respond(fault, fault, ok({ text_no: 7 }))
    expect(await kom.texts.get(7)).toEqual({ text_no: 7 })
    expect(gateway.requests.map(({ url }) => url)).toEqual(Array(3).fill('/texts/7'))
  })

  it('end after the number of retries', async () => {
    const kom = await gateway.open({ retries: 2 })
    gateway.respond(failure(502))
    await expect(kom.texts.get(7)).rejects.toBeInstanceOf(UnavailableError)
    expect(gateway.requests).toHaveLength(3)
  })

  it.each([
    { what: 'PUT', fault: failure(502), send: { method: 'PUT', path: '/texts/7/read-marking' } },
    { what: 'POST', fault: lost, send: { method: 'POST', path: '/texts/' } },
    { what: 'DELETE', fault: failure(504), send: { method: 'DELETE', path: '/texts/7/mark' } },
  ] as const)('do not repeat a $what', async ({ fault, send: { method, path } }) => {
    const kom = await gateway.open()
    gateway.respond(fault)
    await expect(kom.request({ method, path: { url: path, references: [] } })).rejects.toBeInstanceOf(UnavailableError)
    expect(gateway.requests).toHaveLength(1)
  })

  it.each([
    { what: 'a 400', fault: failure(400) },
    { what: 'a 403', fault: failure(403) },
    { what: 'a 429', fault: failure(429, { limit: 'websocket-messages' }, { 'Retry-After': '0' }) },
    { what: 'a 500', fault: failure(500) },
    { what: 'a reply that is too long', fault: failure(504, { limit: 'reply-size' }) },
    { what: 'a Retry-After longer than the longest delay', fault: failure(503, {}, { 'Retry-After': '2' }) },
  ])('do not repeat a GET after $what', async ({ fault }) => {
    const kom = await gateway.open()
    gateway.respond(fault)
    await expect(kom.texts.get(7)).rejects.toBeInstanceOf(KomgateError)
    expect(gateway.requests).toHaveLength(1)
  })

  it('wait for Retry-After', async () => {
    const kom = await gateway.open()
    gateway.respond(failure(503, {}, { 'Retry-After': '1' }), ok({}))
    const start = performance.now()
    await kom.server.info()
    // A timer may fire a millisecond early.
    expect(performance.now() - start).toBeGreaterThan(990)
  })

  it('have delays with full jitter below a bound that doubles up to the longest delay', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const timeout = vi.spyOn(globalThis, 'setTimeout')
    try {
      const kom = await gateway.open({ timeoutMs: 9999, retries: 5, retryBaseMs: 4, retryMaxMs: 20 })
      timeout.mockClear()
      gateway.respond(lost)
      await expect(kom.texts.get(7)).rejects.toBeInstanceOf(UnavailableError)
      // Longer timers are the time limit of each request, and those of fetch itself.
      const delays = timeout.mock.calls.map(([, delay = 0]) => delay).filter((delay) => delay <= 20)
      expect(delays).toEqual([2, 4, 8, 10, 10])
    } finally {
      random.mockRestore()
      timeout.mockRestore()
    }
  })
})

describe('an AbortSignal', () => {
  const reason = new Error('the user has left')

  it('aborts a request with its reason, and closes the connection', async () => {
    const kom = await gateway.open()
    gateway.respond(never)
    const controller = new AbortController()
    const aborted = kom.texts.get(7, { signal: controller.signal })
    await expect.poll(() => gateway.requests).toHaveLength(1)
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    expect(gateway.requests[0]?.signal.aborted).toBe(true)
  })

  it('that has aborted prevents the request', async () => {
    const kom = await gateway.open()
    await expect(kom.texts.get(7, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(gateway.requests).toEqual([])
  })

  it('ends the wait for a retry', async () => {
    const kom = await gateway.open({ retryMaxMs: 60_000 })
    gateway.respond(failure(503, {}, { 'Retry-After': '50' }))
    const controller = new AbortController()
    const aborted = kom.texts.get(7, { signal: controller.signal })
    await expect.poll(() => gateway.requests).toHaveLength(1)
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
  })

  it('of connect aborts the requests of the session, but not its end', async () => {
    const controller = new AbortController()
    const kom = await gateway.open({ signal: controller.signal })
    gateway.respond(never)
    const aborted = [kom.texts.get(7), kom.logout()]
    await expect.poll(() => gateway.requests).toHaveLength(2)
    controller.abort(reason)
    for (const each of aborted) await expect(each).rejects.toBe(reason)
    gateway.respond(() => new Response(null, { status: 204 }))
    await kom.close()
    expect(gateway.requests.at(-1)).toMatchObject({ method: 'DELETE', url: '/sessions/0' })
  })

  it('of connect aborts the opening', async () => {
    const controller = new AbortController()
    const opening = gateway.open({
      signal: controller.signal,
      fetch: (_, init) =>
        new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))),
    })
    controller.abort(reason)
    await expect(opening).rejects.toBe(reason)
  })

  it('keeps no listener after a request', async () => {
    const { signal } = new AbortController()
    const add = vi.spyOn(signal, 'addEventListener')
    const remove = vi.spyOn(signal, 'removeEventListener')
    const kom = await gateway.open({ signal })
    gateway.respond(lost, ok({}))
    await kom.texts.get(7)
    expect(add).toHaveBeenCalled()
    await expect.poll(() => remove.mock.calls.map(([, f]) => f)).toEqual(add.mock.calls.map(([, f]) => f))
  })
})

it('a request without a response ends after the time limit, and is repeated if it is a GET', async () => {
  const kom = await gateway.open({ timeoutMs: 50, retries: 1 })
  gateway.respond(never, ok({ text_no: 7 }))
  expect(await kom.texts.get(7)).toEqual({ text_no: 7 })
  gateway.respond(never)
  await expect(kom.active()).rejects.toThrow(new UnavailableError('no response within 50 ms', { httpStatus: 0 }))
})

describe('connect', () => {
  it('resumes a session by its connection id', async () => {
    gateway.respond(ok({ person: null, session_no: 3 }))
    const kom = await gateway.open({ connectionId: 'kept' })
    expect(kom.connectionId).toBe('kept')
    expect(gateway.requests[0]?.headers.get('Httpkom-Connection')).toBe('kept')
  })

  it('rejects the id of a session that has ended with a SessionLostError', async () => {
    gateway.respond(failure(403))
    await expect(gateway.open({ connectionId: 'old' })).rejects.toBeInstanceOf(SessionLostError)
  })

  it('accepts a URL object, and slashes at its end', async () => {
    gateway.respond(ok({}))
    await (await gateway.open({ url: new URL(`${GATEWAY}//`) })).server.info()
    expect(gateway.requests[0]?.url).toBe('/server/info')
  })
})

it('close succeeds for a session that has ended', async () => {
  const kom = await gateway.open()
  gateway.respond(failure(403))
  await kom.close()
  gateway.respond(failure(502))
  await expect(kom.close()).rejects.toBeInstanceOf(UnavailableError)
})

it.each(['', '.', '..'])('a value "%s" in a path is a TypeError, and nothing is sent', async (value) => {
  const kom = await gateway.open()
  expect(() => kom.sessions.endMine(value)).toThrow(TypeError)
  expect(gateway.requests).toEqual([])
})
