import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { curlLine, variablesOf } from '../../src/web/console/explorer/curl/curl.ts'
import { effectOf } from '../../src/web/console/explorer/effect.ts'
import { groupsOf } from '../../src/web/console/explorer/operations.ts'
import {
  buildRequest,
  exampleDraft,
  faultsOfDraft,
  fieldOfError,
  newDraft,
} from '../../src/web/console/explorer/request.ts'
import { shapeOf } from '../../src/web/console/explorer/schema/shape.ts'
import { COMPONENTS, DESCRIPTION, find, OPERATIONS, validatorOf } from './described-operations.ts'

const BASE = 'http://localhost:5001/'
const WITH_VARIABLES = { base: BASE, secrets: undefined, isStream: false }

describe('the operations of the description', () => {
  it('are all routes, and all calls by their names in the specification', () => {
    const described = Object.values(DESCRIPTION.paths).flatMap((item) => Object.values(item))
    const ids = described.map(({ operationId }) => operationId)
    expect(new Set(OPERATIONS.map(({ id }) => id))).toEqual(new Set(ids))
    const { calls } = JSON.parse(readFileSync('fixtures/protocol-a.json', 'utf8')) as { calls: { name: string }[] }
    const names = OPERATIONS.flatMap(({ call }) => call ?? [])
    expect(names).toHaveLength(123)
    expect(new Set(names)).toEqual(new Set(calls.map(({ name }) => name)))
  })

  it('are found by words of their names, paths and summaries, by tag', () => {
    const found = (words: string) => [...groupsOf(OPERATIONS, words).values()].flat().map(({ id }) => id)
    expect(found('get-time')).toEqual(['callGetTime'])
    expect(found('GETTIME')).toEqual(['callGetTime'])
    expect(found('delete admin')).toEqual(['endAnySession'])
    expect(found('no such operation')).toEqual([])
    expect([...groupsOf(OPERATIONS, '').keys()].slice(0, 3)).toEqual(['gateway', 'sessions', 'server'])
  })

  it('say what a request must carry', () => {
    expect(find('callGetTime').need).toBe('session')
    expect(find('listAllSessions').need).toBe('admin-key')
    expect(find('sessmanCreate').need).toBe('app-key')
    expect(find('getStats').need).toBe('nothing')
  })

  it.each([
    ['callGetTime', 'reads'],
    ['callReLookupPerson', 'reads'],
    ['callLogin', 'reads'],
    ['callChangeName', 'changes'],
    ['callDeleteConf', 'destroys'],
    ['callShutdownKom', 'destroys'],
    ['callSubMember', 'destroys'],
    ['createText', 'changes'],
    ['removeMembership', 'destroys'],
    ['getText', 'reads'],
    ['checkServer', 'reads'],
    ['sessmanCreateByGet', 'changes'],
    ['microappExpireSession', 'changes'],
  ])('%s %s', (id, effect) => {
    expect(effectOf(find(id), {})).toBe(effect)
  })

  it('take the effect of a batch from its requests', () => {
    const effect = (...methods: string[]) =>
      effectOf(find('batch'), { requests: methods.map((method) => ({ method })) })
    expect(effect('GET', 'HEAD')).toBe('reads')
    expect(effect('GET', 'PUT')).toBe('changes')
    expect(effect('PUT', 'DELETE')).toBe('destroys')
  })
})

describe.each(OPERATIONS.map((operation) => [operation.id, operation] as const))('%s', (_, operation) => {
  const draft = exampleDraft(operation, COMPONENTS)

  it('has an example without faults, which a JSON Schema validator accepts', () => {
    expect(faultsOfDraft(operation, draft, COMPONENTS)).toEqual([])
    const { body } = operation
    if (body === undefined) return
    expect(validatorOf(body.schema)(draft.body), JSON.stringify(draft.body)).toBe(true)
  })

  it('has a form that begins with its required fields', () => {
    const { parameters, body } = newDraft(operation, COMPONENTS)
    const required = operation.parameters.filter(({ isRequired }) => isRequired)
    expect(Object.keys(parameters)).toEqual(required.map(({ key }) => key))
    expect(body !== undefined).toBe(operation.body?.isRequired === true)
    for (const { schema } of [...operation.parameters, ...(operation.body ? [operation.body] : [])]) {
      expect(shapeOf(schema, COMPONENTS).kind).not.toBe('null')
    }
  })

  it('has a request and a curl line', () => {
    const request = buildRequest(operation, draft, 'demo')
    const url = new URL(request.url, BASE)
    expect(url.pathname).toBe(`/${request.url.split('?')[0]}`)
    expect(url.pathname).not.toMatch(/[{}]/)
    const command = curlLine(request, WITH_VARIABLES)
    expect(command).toContain(request.url)
    expect(variablesOf(command).includes('KOMGATE_CONNECTION')).toBe(operation.need === 'session')
    expect(variablesOf(command).includes('KOMGATE_ADMIN_KEY')).toBe(operation.need === 'admin-key')
  })
})

describe('an error of the gateway', () => {
  it.each([
    ['openSession', 'Missing "client.version".', ['body', 'client', 'version']],
    ['addMembership', '"priority" must be a whole number from 0 to 255.', ['body', 'priority']],
    ['callCreateText', 'Unknown "misc_info.0.text".', ['body', 'misc_info', 0, 'text']],
    ['getThread', '"limit" must be a whole number from 1 to 1000.', ['query.limit']],
    ['callGetTime', 'Invalid body.', undefined],
    ['endAnySession', '"Authorization: Bearer" with the admin key is required.', undefined],
  ])('to %s: %s', (id, message, path) => {
    expect(fieldOfError(find(id), message)).toEqual(path)
  })
})
