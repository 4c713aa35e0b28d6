import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fc, { type Arbitrary } from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConnectionError } from '../../src/connection/errors.ts'
import { publicError } from '../../src/http/errors/public-error.ts'
import { RequestError } from '../../src/http/errors/request-error.ts'
import {
  conferenceJson,
  conferenceNameJson,
  membershipJson,
  microConferenceJson,
  numberedUnreadJson,
  personJson,
  serverInfoJson,
  textHeadJson,
  textJson,
  unreadJson,
} from '../../src/http/output/json.ts'
import { onlineSessionJson, textPageJson, threadJson } from '../../src/http/output/reading.ts'
import * as schemas from '../../src/http/output/schemas/index.ts'
import { startJson } from '../../src/http/output/start.ts'
import type { Conference, MicroConference, NamedAuxItem } from '../../src/lyskom/conferences.ts'
import type { Membership } from '../../src/lyskom/memberships.ts'
import type { OnlineSession } from '../../src/lyskom/online.ts'
import type { ServerInfo } from '../../src/lyskom/server-info.ts'
import type { Start } from '../../src/lyskom/start.ts'
import type { TextPage } from '../../src/lyskom/text-pages.ts'
import type { Text, TextHead } from '../../src/lyskom/texts.ts'
import type { Thread } from '../../src/lyskom/thread.ts'
import { AUX_ITEMS, KOMFEEDER_ITEMS } from '../../src/protocol/aux-items.ts'
import type { Schema } from '../../src/protocol/codec.ts'
import { KomError } from '../../src/protocol/errors.ts'
import type { Time } from '../../src/protocol/types.ts'
import * as types from '../../src/protocol/types.ts'
import { LimitError } from '../../src/sessions/limit-error.ts'
import { arbitraryOf, EXISTING_TIMES } from '../protocol/arbitraries.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

type SchemaName = keyof typeof schemas

const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true })
formats.default(ajv)
const validators = new Map(Object.entries(schemas).map(([name, schema]) => [name, ajv.compile(z.toJSONSchema(schema))]))

/** Returns why the JSON of a value does not fit the JSON Schema of that name; undefined if it fits. */
function faults(name: SchemaName, value: unknown): ValidateFunction['errors'] {
  const validate = validators.get(name)
  if (validate === undefined) throw new Error(`no schema ${name}`)
  validate(JSON.parse(JSON.stringify(value)))
  return validate.errors
}

describe.each(Object.entries(schemas))('the schema %s', (name, schema) => {
  it('has its own name as id, and a description', () => {
    expect(schema.meta()).toMatchObject({ id: name, description: expect.stringMatching(/\.$/) })
  })

  it('is valid JSON Schema whose objects have only the fields that it describes', () => {
    const json = z.toJSONSchema(schema)
    expect(ajv.validateSchema(json)).toBe(true)
    const objects = [...subschemas(json)].filter(({ properties }) => properties !== undefined)
    expect(objects.filter(({ additionalProperties }) => additionalProperties !== false)).toEqual([])
  })
})

/** Yields a JSON Schema and all schemas within it. */
function* subschemas(json: unknown): Generator<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null) return
  yield json as Record<string, unknown>
  for (const value of Object.values(json)) yield* subschemas(value)
}

/** Values as a LysKOM server sends them, without the numbers that the gateway replaces with names. */
function received<T>({ schema }: { schema: Schema }): Arbitrary<T> {
  return arbitraryOf(schema, 'server', EXISTING_TIMES) as Arbitrary<T>
}

const no = (max: number): Arbitrary<number> => fc.oneof(fc.constantFrom(0, max), fc.nat(max))
const confNo = no(2 ** 16 - 1)
const int32 = fc.oneof(fc.constantFrom(0, 2 ** 32 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
const orNull = <T>(value: Arbitrary<T>): Arbitrary<T | null> => fc.option(value)
const person = fc.record({ persNo: confNo, name: fc.string() })
const conferenceName = fc.record({ confNo, name: fc.string() })
const time = received<Time>(types.time)

type Arbitraries<T> = { [K in keyof T]: Arbitrary<T[K]> }

/** Replaces some fields of arbitrary objects. */
function having<T extends object>(base: Arbitrary<unknown>, fields: Partial<Arbitraries<T>>): Arbitrary<T> {
  return fc
    .tuple(base, fc.record(fields as Arbitraries<T>))
    .map(([value, named]) => ({ ...(value as object), ...named }) as T)
}

const auxItem = having<NamedAuxItem>(received(types.auxItem), {
  creator: person,
  tag: fc.oneof(fc.constantFrom(...Object.values(AUX_ITEMS), ...Object.values(KOMFEEDER_ITEMS)), int32),
})
const auxItems = fc.array(auxItem, { maxLength: 4 })
const microConference = having<MicroConference>(received(types.uConference), { confNo })
const conference = having<Conference>(received(types.conference), {
  confNo,
  creator: person,
  supervisor: orNull(conferenceName),
  permittedSubmitters: orNull(conferenceName),
  superConf: orNull(conferenceName),
  auxItems,
})
const membership = having<Membership>(received(types.membership), {
  persNo: confNo,
  conference: microConference,
  addedBy: person,
})
const serverInfo = having<ServerInfo>(received(types.info), {
  confPresConf: orNull(conferenceName),
  persPresConf: orNull(conferenceName),
  motdConf: orNull(conferenceName),
  komNewsConf: orNull(conferenceName),
})
const unread = fc.record({ persNo: confNo, confNo, textNos: fc.array(int32), localNos: fc.array(int32) })
const links = fc.array(
  fc.record({ type: fc.constantFrom('comment', 'footnote'), textNo: int32, author: orNull(person) }),
)
const head = having<TextHead>(received(types.textStat), {
  textNo: int32,
  author: person,
  contentType: fc.record({ type: fc.string(), charset: fc.constant(undefined) }),
  recipients: fc.array(
    fc.record({
      type: fc.constantFrom('to', 'cc', 'bcc'),
      conference: conferenceName,
      localNo: int32,
      sentBy: orNull(person),
      sentAt: orNull(time),
      receivedAt: orNull(time),
    }),
  ),
  commentTo: links,
  commentIn: links,
  auxItems,
})
const text: Arbitrary<Text> = fc.record({
  head,
  content: fc.record({ subject: orNull(fc.string()), body: fc.oneof(fc.string(), fc.uint8Array()) }),
})
const overviews = fc.array(fc.record({ head, subject: orNull(fc.string()) }), { maxLength: 3 })
const page: Arbitrary<TextPage> = fc.record({ texts: overviews, nextBefore: orNull(int32) })
const thread: Arbitrary<Thread> = fc.record({ root: int32, texts: overviews, truncated: fc.boolean() })
const onlineSession: Arbitrary<OnlineSession> = fc.record({
  sessionNo: int32,
  person,
  workingConference: orNull(conferenceName),
  idle: int32,
  whatAmIDoing: fc.string(),
  client: orNull(fc.record({ name: fc.string(), version: fc.string() })),
  address: orNull(fc.string()),
})

const orNone = <T>(value: Arbitrary<T>) => fc.option(value, { nil: undefined })
const start: Arbitrary<Start> = fc.record({
  sessionNo: int32,
  person,
  server: orNone(serverInfo),
  memberships: orNone(fc.array(membership, { maxLength: 3 })),
  unread: orNone(fc.array(unread, { maxLength: 3 })),
  marks: orNone(fc.array(fc.record({ textNo: int32, type: fc.nat(255) }))),
  sessions: orNone(fc.array(onlineSession, { maxLength: 3 })),
  texts: fc.array(text, { maxLength: 3 }),
})

/** Checks that the JSON of every value fits a schema. */
function fits<T>(name: SchemaName, values: Arbitrary<T>, toJson: (value: T) => unknown): void {
  fc.assert(
    fc.property(values, (value) => {
      expect(faults(name, toJson(value))).toBeNull()
    }),
  )
}

describe('the JSON of any value of a LysKOM server fits its schema', () => {
  it('Person', () => fits('Person', person, personJson))
  it('ConferenceName', () => fits('ConferenceName', conferenceName, conferenceNameJson))
  it('MicroConference', () => fits('MicroConference', microConference, microConferenceJson))
  it('Conference', () => fits('Conference', conference, conferenceJson))
  it('Membership', () => fits('Membership', membership, membershipJson))
  it('Unread', () => fits('Unread', unread, unreadJson))
  it('NumberedUnread', () => fits('NumberedUnread', unread, numberedUnreadJson))
  it('Start', () => fits('Start', start, (each) => startJson(each, '5f0c9a41d7e2-42')))
  it('ServerInfo', () => fits('ServerInfo', serverInfo, serverInfoJson))
  it('Text', () => fits('Text', text, textJson))
  it('ListedText', () => fits('ListedText', head, (each) => ({ ...textHeadJson(each), subject: null, body: null })))
  it('TextStat', () =>
    fits('TextStat', head, (each) => {
      const { content_type: _, ...stat } = textHeadJson(each)
      return stat
    }))

  it('TextPage', () => fits('TextPage', page, textPageJson))
  it('Thread', () => fits('Thread', thread, threadJson))
  it('ThreadText', () =>
    fits('ThreadText', text, ({ head, content: { subject } }) => ({ ...textHeadJson(head), subject })))
  it('OnlineSession', () => fits('OnlineSession', onlineSession, onlineSessionJson))

  it('ProtocolAError', () => {
    const error = fc.tuple(fc.oneof(fc.nat(61), int32), int32).map(([code, status]) => new KomError(code, status))
    fits('ProtocolAError', error, errorJson)
  })
})

/** The JSON of an error, whose type is that of the schemas. */
function errorJson(error: unknown): schemas.GatewayError | schemas.ProtocolAError {
  return publicError(error).fields
}

it.each([
  ['an internal error', new TypeError('secret')],
  ['an error of a request', new RequestError('not-found', 'There is no such session.')],
  ['an error with a limit', new LimitError('login-failures', 'Too many failed logins.', 1000)],
  ['an error of the connection', new ConnectionError('unreachable', 'cannot connect')],
])('the JSON of %s fits GatewayError', (_, error) => {
  expect(faults('GatewayError', errorJson(error))).toBeNull()
})

describe('the response fits its schema', () => {
  const adminKey = 'a-key-of-sixteen-letters-or-more'
  let gateway: TestGateway
  let id: string
  beforeAll(async () => {
    gateway = await startTestGateway([{ id: 'demo', demo: true }], { adminKey })
    id = await gateway.open()
    const json = { pers_no: 6, passwd: 'demo' }
    for (const session of [id, await gateway.open()]) {
      await gateway.send('POST', '/demo/sessions/current/login', { id: session, json })
    }
  })
  afterAll(() => gateway.close())

  /** Sends a request with the session that is logged in. Returns the JSON of the response. */
  async function send(method: string, path: string, json?: unknown, headers?: Record<string, string>) {
    const answer = await gateway.send(method, path, { id, json, ...(headers && { headers }) })
    expect(answer.status).toBeLessThan(300)
    return answer.json
  }

  it('Person', async () => {
    const person = await send('POST', '/demo/sessions/current/login', { pers_no: 6, passwd: 'demo' })
    expect(faults('Person', person)).toBeNull()
  })

  it('SessionOpened and WhoAmI', async () => {
    const json = { client: { name: 'test', version: '1' } }
    const opened = (await gateway.send('POST', '/demo/sessions/', { json })).json
    expect(faults('SessionOpened', opened)).toBeNull()
    const anonymous = await gateway.send('GET', '/demo/sessions/current/who-am-i', { id: opened.connection_id })
    for (const value of [anonymous.json, await send('GET', '/demo/sessions/current/who-am-i')]) {
      expect(faults('WhoAmI', value)).toBeNull()
    }
  })

  it('OwnSession', async () => {
    const { sessions } = await send('GET', '/demo/sessions/mine')
    expect(sessions.map((each: unknown) => faults('OwnSession', each))).toEqual([null])
  })

  it('AdminSession, logged in or not', async () => {
    const { sessions } = await send('GET', '/admin/sessions', undefined, { authorization: `Bearer ${adminKey}` })
    expect(sessions.length).toBeGreaterThanOrEqual(2)
    for (const each of sessions) expect(faults('AdminSession', each)).toBeNull()
  })

  it('SessionData', async () => {
    expect(
      faults('SessionData', await send('PATCH', '/demo/sessions/current/data', { a: [null, { b: 1 }] })),
    ).toBeNull()
  })

  it('TextCreated', async () => {
    const text = { subject: 'A', body: 'B', content_type: 'text/plain' }
    expect(faults('TextCreated', await send('POST', '/demo/texts/', text))).toBeNull()
  })

  it('Mark', async () => {
    const { marks } = await send('GET', '/demo/texts/marks/')
    expect(marks).not.toEqual([])
    for (const mark of marks) expect(faults('Mark', mark)).toBeNull()
  })

  it('ServerList and Stats', async () => {
    expect(faults('ServerList', await send('GET', '/'))).toBeNull()
    expect(faults('Stats', await send('GET', '/stats'))).toBeNull()
  })
})
