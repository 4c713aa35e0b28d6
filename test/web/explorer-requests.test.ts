import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { curlLine, quoted, variablesOf } from '../../src/web/console/explorer/curl/curl.ts'
import { effectOf } from '../../src/web/console/explorer/effect.ts'
import { type Description, groupsOf, type Operation, operationsOf } from '../../src/web/console/explorer/operations.ts'
import {
  buildRequest,
  type Draft,
  encodedBody,
  exampleDraft,
  faultsOfDraft,
  fieldOfError,
  newDraft,
} from '../../src/web/console/explorer/request.ts'
import { shapeOf } from '../../src/web/console/explorer/schema/shape.ts'
import { faultsOf } from '../../src/web/console/explorer/schema/validate.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const DESCRIPTION: Description = JSON.parse(readFileSync('docs/openapi.json', 'utf8'))
const COMPONENTS = DESCRIPTION.components?.schemas ?? {}
const OPERATIONS = operationsOf(DESCRIPTION)
const BASE = 'http://localhost:5001/'
const WITH_VARIABLES = { base: BASE, secrets: undefined, isStream: false }
const ADMIN_KEY = "it's-a-key-of-26-characters"

const find = (id: string): Operation => {
  const found = OPERATIONS.find((operation) => operation.id === id)
  if (found === undefined) throw new Error(`no operation ${id}`)
  return found
}
const example = (id: string): Draft => exampleDraft(find(id), COMPONENTS)

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

const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema({ $id: 'description', components: { schemas: COMPONENTS } })

/** Compiles a schema whose references are those of the description. */
function validatorOf(schema: object) {
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"description#/components/')
  return ajv.compile(JSON.parse(text))
}

describe('the forms of schemas', () => {
  const bodyOf = (id: string) => find(id).body?.schema ?? {}
  const property = (id: string, name: string) => bodyOf(id).properties?.[name] ?? {}

  it('have a number field where digits may be spelled', () => {
    expect(shapeOf(property('callGetUconfStat', 'conference'), COMPONENTS)).toEqual({
      kind: 'number',
      isInteger: true,
      minimum: 0,
      maximum: 65_535,
    })
  })

  it('have a choice of the kinds of a misc-info', () => {
    const shape = shapeOf(property('callCreateText', 'misc_info').items ?? {}, COMPONENTS)
    expect(shape.kind === 'choice' && shape.options.map(({ label }) => label)).toEqual([
      'recpt',
      'cc_recpt',
      'comm_to',
      'comm_in',
      'footn_to',
      'footn_in',
      'loc_no',
      'rec_time',
      'sent_by',
      'sent_at',
      'bcc_recpt',
    ])
  })

  it('have a choice of a string and bytes', () => {
    const shape = shapeOf(property('callCreateText', 'text'), COMPONENTS)
    expect(shape.kind === 'choice' && shape.options.map(({ label }) => label)).toEqual(['string', 'latin1'])
  })

  it('have check boxes for flags', () => {
    expect(shapeOf(property('callCreateConf', 'type'), COMPONENTS).kind).toBe('flags')
  })
})

describe('the faults of values', () => {
  const faults = (id: string, body: unknown) =>
    faultsOf(body, find(id).body?.schema ?? {}, COMPONENTS).map(({ path, code, expected }) => [
      path.join('.'),
      code,
      expected,
    ])

  it.each([
    ['callGetUconfStat', { conference: 70_000 }, [['conference', 'maximum', 65_535]]],
    ['callGetUconfStat', { conference: '' }, [['conference', 'missing', '']]],
    ['callGetUconfStat', { conference: 'four' }, [['conference', 'integer', '']]],
    ['callGetUconfStat', { conference: '0004' }, []],
    ['callGetUconfStat', { conference: 4, more: 1 }, [['more', 'unknown', '']]],
    ['callGetUconfStat', {}, [['conference', 'missing', '']]],
    ['login', { passwd: 'x' }, [['pers_no', 'missing', '']]],
    ['login', { passwd: '☃', pers_name: 'd r' }, [['passwd', 'latin1', '']]],
    ['callCreateText', { text: 1, misc_info: [], aux_items: [] }, [['text', 'string', '']]],
    [
      'callCreateText',
      { text: 'x', misc_info: [{ kind: 'comm_to', value: '' }], aux_items: [] },
      [['misc_info.0.value', 'missing', '']],
    ],
    ['batch', { requests: [] }, [['requests', 'minItems', 1]]],
    [
      'batch',
      { requests: [{ id: 'a', method: 'LOOK', url: '/' }] },
      [['requests.0.method', 'enum', expect.any(String)]],
    ],
  ])('of %s: %j', (id, body, expected) => {
    expect(faults(id, body)).toEqual(expected)
  })

  it.each([
    ['callGetUconfStat', { conference: 70_000 }],
    ['callCreateText', { text: 1, misc_info: [], aux_items: [] }],
    ['login', { passwd: 'x' }],
    ['login', { passwd: 'x', pers_no: 6 }],
    ['login', { passwd: 'x', pers_no: 6, pers_name: 'd r' }],
    ['createText', { subject: 'a', body: 'b', content_type: 'text/plain' }],
    ['createText', { subject: 'a', body: 'b', content_type: 'image/png' }],
    ['createText', { subject: 'a', body: 'YQ==', content_type: 'image/png', content_encoding: 'base64' }],
    ['getTextStats', {}],
    ['getTextStats', { text_stats: { 1: null } }],
    ['getTextStats', { text_stats: { x: null } }],
  ])('of %s: %j are there if a JSON Schema validator rejects it', (id, body) => {
    expect(faults(id, body).length === 0).toBe(validatorOf(find(id).body?.schema ?? {})(body))
  })

  it('of parameters: segments of a path that URLs cannot have, and headers with line feeds', () => {
    const faulty = (id: string, parameters: Record<string, unknown>) =>
      faultsOfDraft(find(id), { ...newDraft(find(id), COMPONENTS), parameters }, COMPONENTS).map(({ code }) => code)
    expect(faulty('endAnySession', { 'path.handle': '..' })).toEqual(['dots'])
    expect(faulty('endAnySession', { 'path.handle': '' })).toEqual(['missing'])
    expect(faulty('endAnySession', { 'path.handle': '\ud800' })).toEqual(['surrogate'])
    expect(faulty('getTextBody', { 'path.text_no': 1, 'header.If-None-Match': 'a\nb' })).toEqual(['header'])
    expect(faulty('getTextBody', {})).toEqual(['missing'])
  })

  it('of JSON that the person types', () => {
    const operation = find('createText')
    const draft = { ...newDraft(operation, COMPONENTS), json: '{"subject":' }
    expect(faultsOfDraft(operation, draft, COMPONENTS).map(({ path, code }) => [path, code])).toEqual([
      [['body'], 'json'],
    ])
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

describe('curl lines', () => {
  let gateway: TestGateway
  let connection: string
  beforeAll(async () => {
    gateway = await startTestGateway([{ id: 'demo', demo: true }], {
      adminKey: ADMIN_KEY,
      basePath: '/kom',
    })
    connection = await gateway.open()
  })
  afterAll(() => gateway.close())

  /** Runs the curl line of a draft in a shell. Returns its output and the status. */
  async function run(operation: Operation, draft: Draft, areSecretsShown = false): Promise<[string, number]> {
    expect(faultsOfDraft(operation, draft, COMPONENTS)).toEqual([])
    const secrets = { connection, 'admin-key': ADMIN_KEY }
    const command = curlLine(buildRequest(operation, draft, 'demo'), {
      base: `${gateway.url}/`,
      secrets: areSecretsShown ? secrets : undefined,
      isStream: false,
    })
    const env = areSecretsShown
      ? {}
      : { KOMGATE_CONNECTION: connection, KOMGATE_ADMIN_KEY: ADMIN_KEY, KOMGATE_PASSWD: 'demo' }
    const script = `${command} -sS -w '\\n%{http_code}'`
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env: { PATH: process.env.PATH, ...env } })
    const end = stdout.lastIndexOf('\n')
    return [stdout.slice(0, end), Number(stdout.slice(end + 1))]
  }

  it('name secrets and passwords as shell variables', async () => {
    const command = curlLine(buildRequest(find('login'), example('login'), 'demo'), WITH_VARIABLES)
    expect(command).toBe(
      [
        'curl -X POST http://localhost:5001/demo/sessions/current/login',
        '-H "Httpkom-Connection: $KOMGATE_CONNECTION"',
        "-H 'Content-Type: application/json'",
        `--data-raw '{"pers_name":"d r","passwd":"'"$KOMGATE_PASSWD"'"}'`,
      ].join(' \\\n  '),
    )
    expect(variablesOf(command)).toEqual(['KOMGATE_CONNECTION', 'KOMGATE_PASSWD'])
    const [body, status] = await run(find('login'), example('login'))
    expect([JSON.parse(body), status]).toEqual([{ pers_no: 6, pers_name: 'Demo Reader' }, 201])
  })

  it.each(['callGetTime', 'listAllSessions', 'getStats', 'findConferences', 'whoAmI', 'getTextBody', 'getThread'])(
    '%s works with variables and with secrets',
    async (id) => {
      for (const areSecretsShown of [false, true]) {
        const [, status] = await run(find(id), example(id), areSecretsShown)
        expect(status).toBe(200)
      }
    },
  )

  it.each([`'; echo "$HOME" \`id\` \\ $(id) !`, '@/etc/passwd', 'räksmörgås ☃ 🐦\n\t"\'', '%41 & + # ? = {a,b} [1-2]'])(
    'send %j unchanged in a body',
    async (text) => {
      const draft = { ...example('createText'), body: { ...(example('createText').body as object), body: text } }
      const [created, status] = await run(find('createText'), draft)
      expect(status).toBe(201)
      const { text_no } = JSON.parse(created)
      const read = { ...example('getText'), parameters: { 'path.text_no': text_no } }
      expect(JSON.parse((await run(find('getText'), read))[0]).body).toBe(text)
    },
  )

  it('send any characters unchanged in a query and a path', async () => {
    const name = `O'Neil "&" {x} [1-3] % ä`
    const query = { ...example('findConferences'), parameters: { 'query.name': name } }
    const request = buildRequest(find('findConferences'), query, 'demo')
    const asked = await gateway.send('GET', `/${request.url}`, { id: connection })
    expect(await run(find('findConferences'), query)).toEqual([asked.text, asked.status])
    const path = { ...example('endAnySession'), parameters: { 'path.handle': `a/b?c'd` } }
    const [answer, status] = await run(find('endAnySession'), path)
    expect([JSON.parse(answer).error_msg, status]).toEqual(['There is no such session.', 404])
  })

  it('quote words for a POSIX shell', () => {
    expect(quoted('plain/word_1.0')).toBe('plain/word_1.0')
    expect(quoted('')).toBe("''")
    expect(quoted("it's")).toBe("'it'\\''s'")
  })

  it('encode forms', () => {
    const operation = find('microappAddSession')
    const draft = {
      ...newDraft(operation, COMPONENTS),
      body: { service: 'a b', user_id: "o'n&eil=", session_name: 'å' },
    }
    const request = buildRequest(operation, draft, 'demo')
    expect(encodedBody(request)).toBe('service=a+b&user_id=o%27n%26eil%3D&session_name=%C3%A5')
    expect(curlLine(request, WITH_VARIABLES)).toContain(
      "--data-raw 'service=a+b&user_id=o%27n%26eil%3D&session_name=%C3%A5'",
    )
  })
})
