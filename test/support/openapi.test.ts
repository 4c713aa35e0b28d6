import { describe, expect, it } from 'vitest'
import type { Answer } from './gateway.ts'
import { type JsonSchema, OpenApi, type OpenApiDocument } from './openapi.ts'

const json = (schema: JsonSchema) => ({ 'application/json': { schema } })
const NUMBER = { $ref: '#/components/schemas/Number' }

/** Describes `GET /api/{server}/texts/{no}`, `GET /api/{server}/texts/marks` and `DELETE /api/{server}/texts/{no}`. */
const document: OpenApiDocument = {
  servers: [{ url: 'http://localhost:5001/api' }],
  paths: {
    '/{server}/texts/{no}': {
      parameters: [{ name: 'server', in: 'path', required: true, schema: { type: 'string' } }],
      get: {
        operationId: 'getText',
        responses: {
          200: {
            description: 'OK',
            headers: { ETag: { required: true, schema: { type: 'string' } }, Age: { schema: { type: 'integer' } } },
            content: json({
              type: 'object',
              properties: { no: NUMBER },
              additionalProperties: false,
              required: ['no'],
            }),
          },
          304: { description: 'Not Modified' },
          404: { $ref: '#/components/responses/NotFound' },
        },
      },
      delete: { operationId: 'deleteText', responses: { 204: { description: 'No Content' } } },
    },
    '/{server}/texts/marks': {
      get: { operationId: 'listMarks', responses: { 200: { description: 'OK', content: { 'text/*': {} } } } },
    },
  },
  components: {
    schemas: {
      Number: { type: 'integer', minimum: 0 },
      GatewayError: { type: 'object', required: ['error_msg'] },
    },
    responses: { NotFound: { description: 'Not Found', content: json({ $ref: '#/components/schemas/GatewayError' }) } },
  },
}
const openApi = new OpenApi(document)

function answer(status: number, body?: unknown, headers: Record<string, string> = {}): Answer {
  if (body === undefined) return { status, headers: new Headers(headers), text: '', json: undefined }
  const type = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers: new Headers({ ...type, ...headers }), text: JSON.stringify(body), json: body }
}

const check = (method: string, path: string, received: Answer) => () => openApi.check({ method, path }, received)
const ETAG = { etag: '"1"' }

describe('finding the operation of a request', () => {
  it.each([
    ['GET', '/api/kom/texts/4?_v=1', 'getText'],
    ['HEAD', '/api/kom/texts/4', 'getText'],
    ['GET', '/api//kom/texts/marks/', 'listMarks'],
    ['DELETE', '/api/kom/texts/marks', undefined],
    ['PUT', '/api/kom/texts/4', undefined],
    ['GET', '/kom/texts/4', undefined],
    ['GET', '/api/kom/texts/4/body', undefined],
  ])('%s %s is %s', (method, path, id) => {
    expect(openApi.find({ method, path })?.id).toBe(id)
  })
})

describe('checking a response', () => {
  it('accepts what the document describes', () => {
    check('GET', '/api/kom/texts/4', answer(200, { no: 4 }, { ...ETAG, age: '12' }))()
    check('GET', '/api/kom/texts/4', answer(304))()
    check('GET', '/api/kom/texts/4', answer(404, { error_msg: 'There is no such server.' }))()
    check('HEAD', '/api/kom/texts/4', answer(200, undefined, ETAG))()
    check('GET', '/api/kom/texts/marks', answer(200, undefined, { 'content-type': 'text/plain' }))()
    check('DELETE', '/api/kom/texts/4', answer(204))()
  })

  it('accepts an error where the document describes no operation', () => {
    check('GET', '/api/nothing', answer(404, { error_msg: 'Not found.' }))()
    check(
      'PUT',
      '/api/kom/texts/4',
      answer(405, { error_msg: 'PUT is not allowed here.' }, { allow: 'GET, OPTIONS' }),
    )()
  })

  it.each<[what: string, method: string, path: string, received: Answer, message: RegExp]>([
    ['an unknown status', 'GET', '/texts/4', answer(418, {}), /getText: GET .* -> 418: status 418 is not described/],
    ['an invalid field', 'GET', '/texts/4', answer(200, { no: -1 }, ETAG), /-> 200: body\/no must be >= 0/],
    ['an unknown field', 'GET', '/texts/4', answer(200, { no: 1, x: 1 }, ETAG), /additional properties \(x\)/],
    ['a missing field', 'GET', '/texts/4', answer(200, {}, ETAG), /body must have required property 'no'/],
    ['a missing header', 'GET', '/texts/4', answer(200, { no: 1 }), /header ETag is missing/],
    ['a missing header of HEAD', 'HEAD', '/texts/4', answer(200), /header ETag is missing/],
    [
      'an invalid header',
      'GET',
      '/texts/4',
      answer(200, { no: 1 }, { ...ETAG, age: 'x' }),
      /header Age must be integer: x/,
    ],
    ['an invalid error', 'GET', '/texts/4', answer(404, {}), /required property 'error_msg'/],
    ['a missing body', 'GET', '/texts/4', answer(200, undefined, ETAG), /content type is missing/],
    [
      'another content type',
      'GET',
      '/texts/marks',
      answer(200, {}),
      /application\/json; charset=utf-8 is not one of text\/\*/,
    ],
    ['a body beside 204', 'DELETE', '/texts/4', answer(204, {}), /the body is not described/],
    ['an undescribed path', 'GET', '/nothing', answer(200, {}), /no operation: .* does not describe the path/],
    [
      'an undescribed method',
      'PUT',
      '/texts/4',
      answer(405, { error_msg: '' }, { allow: 'GET, PATCH' }),
      /Allow has PATCH/,
    ],
  ])('rejects %s', (_, method, path, received, message) => {
    expect(check(method, `/api/kom${path}`, received)).toThrow(message)
  })
})

describe('resolving references', () => {
  it('rejects a reference to nothing', () => {
    expect(() => openApi.resolve({ $ref: '#/components/schemas/Missing' })).toThrow('dangling reference')
  })
})
