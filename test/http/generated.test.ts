import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { COMPAT_APIS } from '../../src/compat/compat-apis.ts'
import type { TestSettings } from '../support/config.ts'
import { type Answer, type SendOptions, startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type GeneratedRequest, GeneratedRequests, pathOf } from '../support/generated-requests.ts'
import { OpenApi, type Operation } from '../support/openapi.ts'
import { repetitions } from '../support/repetitions.ts'

const DOCUMENT = new URL('../../docs/openapi.json', import.meta.url)
const openApi = new OpenApi(JSON.parse(readFileSync(DOCUMENT, 'utf8')))
const requests = new GeneratedRequests(openApi)

/** The keys of the security schemes. */
const KEYS = { adminKey: 'the-key-of-the-operator', appKey: 'the-key-of-the-application' }
const SERVER = { id: 'demo', demo: true } as const
/** Those of the document, and limits that allow many logins, with wrong passwords as well. */
const SETTINGS: TestSettings = {
  adminKey: KEYS.adminKey,
  compat: [...COMPAT_APIS],
  appKeys: [{ app: '*', key: KEYS.appKey }],
  freeLoginFailures: 1_000_000,
  freeLoginFailuresPerPerson: 1_000_000,
  maxLoginsPerMinute: 1_000_000,
  maxOpeningsPerMinute: 1_000_000,
}
const DEMO_READER = { pers_no: 6, passwd: 'demo' }
const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000'
/** Operations after which the session may be gone, or logged in as another person. */
const CHANGES_SESSION = /log(in|out)|disconnect|end\w*session|deleteConf|passw/i
/** Errors of the gateway to requests that the document allows, because schemas cannot express the condition. */
const REFUSALS = [
  /^accept-async is not available/,
  /WebSocket upgrades only/,
  /^(recipient not found|ambiguous recipient)/,
  /^"requests/,
  /holds a number that is too large/,
  /^"no-of-texts" must be a whole number from 1/,
]
/** The compatibility APIs read bodies of any content type, and the query may override an invalid body. */
const LENIENT = /^(sessman|microapp|restSessions)/

/** A client of the demo server. It replaces its session, and the gateway, when a request has ended or spoilt them. */
class DemoClient {
  #gateway: TestGateway | undefined
  readonly #ids = new Map<GeneratedRequest['credentials'], string>()

  /** Sends a generated request. */
  async send(operation: Operation, request: GeneratedRequest): Promise<Answer> {
    const { body, type, credentials } = request
    const id = await this.#id(credentials)
    const key = Object.entries(KEYS).find(([scheme]) => operation.security.flat().includes(scheme))?.[1]
    const options: SendOptions = {
      ...(id !== undefined && { id }),
      ...(body !== undefined && { body }),
      headers: {
        ...(body !== undefined && { 'content-type': type }),
        ...(key !== undefined && credentials === 'valid' && { authorization: `Bearer ${key}` }),
      },
    }
    const answer = await (await this.#started()).send(operation.method, pathOf(operation, request), options)
    if (CHANGES_SESSION.test(operation.id) || answer.status === 401 || answer.status === 403) await this.#endSessions()
    return answer
  }

  async close(): Promise<void> {
    await this.#gateway?.close()
    this.#gateway = undefined
    this.#ids.clear()
  }

  async #started(): Promise<TestGateway> {
    this.#gateway ??= await startTestGateway([SERVER], SETTINGS)
    return this.#gateway
  }

  async #id(credentials: GeneratedRequest['credentials']): Promise<string | undefined> {
    if (credentials === 'none') return undefined
    if (credentials === 'unknown') return UNKNOWN_ID
    const id = this.#ids.get(credentials) ?? (credentials === 'valid' ? await this.#login() : await this.#open())
    this.#ids.set(credentials, id)
    return id
  }

  async #open(): Promise<string> {
    return await (await this.#started()).open()
  }

  async #login(): Promise<string> {
    const id = await this.#open()
    const gateway = await this.#started()
    const { status } = await gateway.send('POST', '/demo/sessions/current/login', { id, json: DEMO_READER })
    if (status === 201) return id
    // A generated request has deleted the person or changed the password.
    await this.close()
    return this.#login()
  }

  async #endSessions(): Promise<void> {
    for (const id of this.#ids.values()) await this.#gateway?.send('DELETE', '/demo/sessions/0', { id })
    this.#ids.clear()
  }
}

describe('requests that are generated from the OpenAPI document', () => {
  const client = new DemoClient()
  afterAll(() => client.close())

  it.each(openApi.operations.map((operation) => [operation.id, operation] as const))(
    'get responses that the document describes: %s',
    async (_, operation) => {
      const request = fc.oneof(requests.valid(operation), requests.broken(operation))
      const property = fc.asyncProperty(request, async (each) => {
        const answer = await client.send(operation, each)
        openApi.check({ method: operation.method, path: pathOf(operation, each) }, answer)
        expect(answer.status, answer.text).not.toBe(500)
        const isAllowed = requests.allows(operation, each)
        if (isAllowed && each.credentials === 'valid') expect(refusal(answer), 'of a valid request').toBeUndefined()
        const isRejected = answer.status >= 400
        if (!isAllowed && !LENIENT.test(operation.id)) expect(isRejected, 'of an invalid request').toBe(true)
      })
      await fc.assert(property, { numRuns: repetitions(50, 2) })
    },
  )
})

/** Returns the message with which the gateway rejects the input of a request. */
function refusal({ status, json }: Answer): string | undefined {
  const { error_type, error_msg } = json ?? {}
  if (status !== 400 || error_type !== 'httpkom' || REFUSALS.some((each) => each.test(error_msg))) return undefined
  return error_msg
}
