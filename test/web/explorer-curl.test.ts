import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { curlLine, quoted, variablesOf } from '../../src/web/console/explorer/curl/curl.ts'
import type { Operation } from '../../src/web/console/explorer/operations.ts'
import {
  buildRequest,
  type Draft,
  encodedBody,
  exampleDraft,
  faultsOfDraft,
  newDraft,
} from '../../src/web/console/explorer/request.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { COMPONENTS, find } from './described-operations.ts'

const WITH_VARIABLES = { base: 'http://localhost:5001/', secrets: undefined, isStream: false }
const ADMIN_KEY = "it's-a-key-of-26-characters"

const example = (id: string): Draft => exampleDraft(find(id), COMPONENTS)

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
