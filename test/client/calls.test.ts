import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { connect, type Kom, RequestError } from '../../src/client/index.ts'
import { CALLS, type CallName } from '../../src/protocol/calls/index.ts'
import type { AnyCodec } from '../../src/protocol/codec.ts'
import { callJsonSchemas, type JsonSchema, jsonSchema } from '../../src/protocol/json/json-schema.ts'
import { MESSAGES } from '../../src/protocol/messages.ts'
import { EVENT_MESSAGES, eventType } from '../../src/sessions/event-types.ts'
import { ROOT } from '../support/example.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
let kom: Kom
beforeAll(async () => {
  gateway = await startTestGateway([{ id: 'demo', demo: true }])
  kom = await connect({ url: gateway.url, server: 'demo', client: { name: 'test', version: '1' } })
  await kom.login({ pers_no: 6, passwd: 'demo' })
})
afterAll(async () => {
  await kom.close()
  await gateway.close()
})

describe('kom.call', () => {
  it('has the types of parameters and replies', async () => {
    const stat = await kom.call('get-text-stat', { text_no: 46 })
    expectTypeOf(stat.creation_time).toEqualTypeOf<string>()
    expectTypeOf(stat.aux_items[0]?.data).toEqualTypeOf<string | { latin1: string } | undefined>()
    expect(stat.misc_info).toEqual([
      { kind: 'recpt', value: 12 },
      { kind: 'loc_no', value: 11 },
      { kind: 'comm_in', value: 47 },
    ])
    for (const { kind, value } of stat.misc_info) {
      if (kind === 'rec_time') expectTypeOf(value).toEqualTypeOf<string>()
      if (kind === 'cc_recpt') expectTypeOf(value).toEqualTypeOf<number>()
    }
  })

  it('takes no parameters for a call without them, and returns null for an empty reply', async () => {
    expect(await kom.call('get-unread-confs', { pers_no: 6 })).toContain(8)
    const time = await kom.call('get-time')
    expectTypeOf(time).toEqualTypeOf<string>()
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT/)
    const empty = await kom.call('user-active', {})
    expectTypeOf(empty).toEqualTypeOf<null>()
    expect(empty).toBeNull()
  })

  it('returns the number of elements that the server leaves out', async () => {
    const [membership] = await kom.call('get-membership', {
      person: 6,
      first: 2,
      no_of_confs: 1,
      want_read_ranges: false,
      max_ranges: 0,
    })
    expectTypeOf(membership?.read_ranges).toEqualTypeOf<
      { first_read: number; last_read: number }[] | { omitted: number } | undefined
    >()
    expect(membership?.conference).toBe(8)
  })

  it('takes bit strings with missing bits, enumerations and bytes', async () => {
    const conference = await kom.call('create-conf', { name: 'Types', type: { rd_prot: true }, aux_items: [] })
    const text = await kom.call('create-text', {
      text: { latin1: 'sm\u00f6r' },
      misc_info: [{ kind: 'recpt', value: conference }],
      aux_items: [],
    })
    await kom.call('add-recipient', { text_no: text, conf_no: 9, recpt_type: 'cc_recpt' })
    const stat = await kom.call('get-text-stat', { text_no: text })
    expect(stat.misc_info).toContainEqual({ kind: 'cc_recpt', value: 9 })
    expect(await kom.call('get-text', { text, start_char: 0, end_char: 99 })).toEqual({ latin1: 'sm\u00f6r' })
  })
})

describe('what does not compile', () => {
  /** The gateway rejects the same mistake. */
  const rejected = (request: Promise<unknown>, message: string) =>
    expect(request).rejects.toThrow(new RequestError(message, { httpStatus: 400 }))
  const notFound = (request: Promise<unknown>) => expect(request).rejects.toMatchObject({ httpStatus: 404 })

  it('is a misspelt name of a call', async () => {
    // @ts-expect-error
    await notFound(kom.call('get-text-status', { text_no: 46 }))
    // @ts-expect-error
    await notFound(kom.call('get_text_stat', { text_no: 46 }))
    const notAvailable = /^accept-async is not available/
    // @ts-expect-error
    await expect(kom.call('accept-async', { request_list: [] })).rejects.toThrow(notAvailable)
  })

  it('is a misspelt parameter, a missing one, or one too many', async () => {
    // @ts-expect-error
    await rejected(kom.call('get-text-stat', { textNo: 46 }), 'Unknown "textNo".')
    // @ts-expect-error
    await rejected(kom.call('get-text-stat', {}), 'Missing "text_no".')
    // @ts-expect-error
    await rejected(kom.call('get-text-stat'), 'Missing "text_no".')
    // @ts-expect-error
    await rejected(kom.call('get-time', { text_no: 46 }), 'Unknown "text_no".')
  })

  it('is a value of another type', async () => {
    // @ts-expect-error
    const misspelt = kom.call('add-recipient', { text_no: 46, conf_no: 9, recpt_type: 'cc-recpt' })
    await expect(misspelt).rejects.toThrow(/^"recpt_type" must be one of recpt, cc_recpt/)
    // @ts-expect-error
    await rejected(kom.call('enable', { level: true }), '"level" must be a whole number from 0 to 255.')
    // @ts-expect-error
    const bit = kom.call('create-conf', { name: 'More types', type: { rdProt: true }, aux_items: [] })
    await rejected(bit, 'Unknown "type.rdProt".')
  })

  it('is a field that a reply does not have', async () => {
    const stat = await kom.call('get-text-stat', { text_no: 46 })
    // @ts-expect-error
    expect(stat.creationTime).toBeUndefined()
    const text = await kom.texts.get(46)
    // @ts-expect-error
    expect(text.recipients).toBeUndefined()
  })

  it('is a misspelt option of connect, method or field of a request', async () => {
    const client = { name: 'test', version: '1' }
    // @ts-expect-error
    const other = await connect({ url: gateway.url, server: 'demo', client, batched: true })
    await other.close()
    // @ts-expect-error
    expect(kom.texts.read).toBeUndefined()
    // @ts-expect-error
    await rejected(kom.texts.create({ subject: '', body: '', contentType: 'text/plain' }), 'Missing "content_type".')
  })
})

/** Returns the type of what a JSON Schema of a call describes. */
function typeOf(schema: JsonSchema): string {
  const { const: constant, enum: names, anyOf, oneOf, type, items, properties, required = [] } = schema
  if (constant !== undefined) return JSON.stringify(constant)
  if (names) return unionOf((names as unknown[]).map((each) => JSON.stringify(each)))
  const several = (anyOf ?? oneOf) as JsonSchema[] | undefined
  if (several) return unionOf(several.map(typeOf))
  if (type === 'integer') return 'number'
  if (type === 'array') return `${typeOf(items as JsonSchema)}[]`
  if (type !== 'object') return String(type)
  const fields = Object.entries(properties as Record<string, JsonSchema>).map(
    ([name, each]) => `${name}${(required as string[]).includes(name) ? '' : '?'}: ${typeOf(each)}`,
  )
  return `{ ${fields.join('; ')} }`
}

function unionOf(types: string[]): string {
  return `(${types.join(' | ')})`
}

/** Changes the schemas where the types are narrower on purpose. */
function narrowed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(narrowed)
  if (typeof value !== 'object' || value === null) return value
  const schema = value as Record<string, unknown>
  // Numbers as strings of digits, and numbers of enumerations, are for clients without types.
  const first = (schema.anyOf as JsonSchema[] | undefined)?.[0]
  if (first?.type === 'integer') return narrowed(first)
  if (Array.isArray(schema.enum)) return { ...schema, enum: schema.enum.filter((each) => typeof each === 'string') }
  const entries = Object.entries(schema).map(([key, each]) => [key, narrowed(each)] as const)
  return Object.fromEntries(
    // LysKOM servers leave out the elements of these arrays only.
    entries.map(([key, each]) => {
      const variants = (each as JsonSchema | null)?.anyOf as JsonSchema[] | undefined
      const isOmissible = variants?.[0]?.type === 'array' && !['read_ranges', 'read_texts'].includes(key)
      return [key, isOmissible ? variants[0] : each]
    }),
  )
}

it('the types of all calls and events are those of their JSON Schemas', { timeout: 60_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'komgate-call-types-'))
  try {
    const names = (Object.keys(CALLS) as CallName[]).filter((name) => name !== 'accept-async')
    const lines = names.flatMap((name, i) => {
      const { params, reply } = narrowed({ ...callJsonSchemas(name) }) as { params: JsonSchema; reply: JsonSchema }
      return [
        `export const params${i}: Same<CallParams<'${name}'>, ${typeOf(params)}> = true`,
        `export const reply${i}: Same<CallReply<'${name}'>, ${typeOf(reply)}> = true`,
      ]
    })
    const events = EVENT_MESSAGES.map((name, i) => {
      const fields = narrowed(jsonSchema((MESSAGES[name].params as AnyCodec).schema, 'server')) as JsonSchema
      const { type, ...properties } = fields.properties as Record<string, JsonSchema>
      const renamed = { ...properties, ...(type !== undefined && { recipient_type: type }) }
      const required = Object.keys(renamed)
      // Named by the gateway, or added by it.
      const others = ['type', 'id', 'author', 'recipients'].map((each) => `'${each}'`).join(' | ')
      const event = `Omit<KomEvent<'${eventType(name)}'>, ${others}>`
      return `export const event${i}: Same<${event}, ${typeOf({ ...fields, properties: renamed, required })}> = true`
    })
    const head = `import type { CallParams, CallReply, KomEvent } from '${join(ROOT, 'src/client/index.ts')}'
type Flat<T> = T extends object ? { [K in keyof T]: Flat<T[K]> } : T
type Same<A, B> = (<T>() => T extends Flat<A> ? 1 : 2) extends <T>() => T extends Flat<B> ? 1 : 2 ? true : false`
    writeFileSync(join(dir, 'types.mts'), [head, ...lines, ...events].join('\n'))
    const compilerOptions = { typeRoots: [join(ROOT, 'node_modules/@types')] }
    const options = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['types.mts'] }
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(options))
    const tsc = join(ROOT, 'node_modules/.bin/tsc')
    const { stdout } = await promisify(execFile)(tsc, ['-p', dir]).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  } finally {
    rmSync(dir, { recursive: true })
  }
})
