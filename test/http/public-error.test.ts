import { describe, expect, it } from 'vitest'
import { ConnectionError } from '../../src/connection/errors.ts'
import { publicError } from '../../src/http/errors/public-error.ts'
import { RequestError } from '../../src/http/errors/request-error.ts'
import { KomError, ProtocolError } from '../../src/protocol/errors.ts'
import { ServerDownError } from '../../src/sessions/circuit-breaker.ts'
import { LimitError } from '../../src/sessions/limit-error.ts'
import { StoreError } from '../../src/store/errors.ts'

const unreachable = new ConnectionError('unreachable', 'cannot connect to 192.0.2.1 port 4894')

describe('publicError', () => {
  it.each([
    ['a TypeError', new TypeError('secret')],
    ['a thrown undefined', undefined],
    ['a thrown string', 'secret'],
  ])('hides the details of %s', (_, error) => {
    expect(publicError(error)).toMatchObject({
      code: 'internal-error',
      status: 500,
      fields: { error_type: 'httpkom', error_msg: 'Internal error.' },
    })
  })

  it('describes an error of the LysKOM server with code, status and name of Protocol A', () => {
    expect(publicError(KomError.of('no-such-text', 17))).toMatchObject({
      status: 400,
      message: 'no-such-text (14), status 17',
      fields: { error_type: 'protocol-a', error_code: 14, error_status: '17', error_msg: 'NoSuchText' },
    })
  })

  it('takes the status of an error of the LysKOM server from the route, and of login-first from the table', () => {
    const named = { 'no-such-text': 404 } as const
    const statuses = (['no-such-text', 'login-first', 'not-marked'] as const).map(
      (name) => publicError(KomError.of(name, 0), named).status,
    )
    expect(statuses).toEqual([404, 401, 400])
  })

  it.each([
    ['a 503', 5, new StoreError('full', 'no space on /var')],
    ['a limit', 2, new LimitError('login-failures', 'Too many.', 1001)],
    ['an open circuit breaker', 3, new ServerDownError(2500, unreachable)],
    ['a half-open circuit breaker', 1, new ServerDownError(-1, unreachable)],
    ['a 502', undefined, unreachable],
    ['a limit that time does not lift', undefined, new LimitError('body-size', 'The body is too large.')],
  ])('sets Retry-After of %s to %s', (_, seconds, error) => {
    const { headers, retryAfter } = publicError(error)
    expect([headers['Retry-After'], retryAfter]).toEqual([seconds?.toString(), seconds])
  })

  it.each([
    [new LimitError('sessions', 'Too many.'), 'sessions'],
    [new ConnectionError('server-full', 'No connections left.'), 'sessions-on-server'],
    [new ProtocolError('over-bound', 'a string of 2 bytes, over the bound of 1', 'json-string'), 'reply-size'],
    [unreachable, undefined],
  ])('names the limit of %s', (error, limit) => {
    const { fields, ...shown } = publicError(error)
    expect([shown.limit, 'limit' in fields ? fields.limit : undefined]).toEqual([limit, limit])
  })

  it('adds the headers of the error', () => {
    const error = new RequestError('method-not-allowed', 'PUT is not allowed here.', { Allow: 'GET' })
    expect(publicError(error)).toMatchObject({ status: 405, headers: { Allow: 'GET' } })
  })
})
