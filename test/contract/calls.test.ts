import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { HANDLERS } from '../../src/demo/handlers/index.ts'
import { CALLS, type CallName } from '../../src/protocol/calls/index.ts'
import { callJsonSchemas } from '../../src/protocol/json/json-schema.ts'
import { noSuchText, protocolError, TIME } from './answers.ts'
import { BACKENDS } from './backends.ts'
import type { Cast } from './cast.ts'
import { type Client, onStage } from './stage.ts'

/** After every text. */
const LATER = '2099-12-31T23:59:59Z'

type Own = { session_no: number }
/** Returns typical parameters of a call. @param own the number of the session that makes it */
type Typical = (cast: Cast, own: Own) => object

/** Every call that only reads, with typical parameters. */
const READS: { readonly [N in CallName]?: Typical } = {
  // conferences
  'lookup-name': () => ({ name: 'contract' }),
  'get-conf-stat-older': ({ club }) => ({ conf_no: club.no, mask: 0xffff }),
  'get-conf-stat-old': ({ club }) => ({ conf_no: club.no }),
  're-lookup-person': () => ({ regexp: 'Contract' }),
  're-lookup-conf': () => ({ regexp: 'Contract' }),
  'lookup-person': () => ({ name: 'contract' }),
  'lookup-conf': () => ({ name: 'contract' }),
  're-z-lookup': () => ({ regexp: 'Contract', want_persons: true, want_confs: true }),
  'lookup-z-name': () => ({ name: 'contract böb', want_pers: true, want_confs: false }),
  'get-uconf-stat': ({ club }) => ({ conference: club.no }),
  'get-conf-stat': ({ club }) => ({ conf_no: club.no }),
  'first-unused-conf-no': () => ({}),
  'find-next-conf-no': ({ club }) => ({ start: club.no }),
  'find-previous-conf-no': ({ club }) => ({ start: club.no }),
  // persons
  'get-person-stat-old': ({ alice }) => ({ person: alice.no, mask: 0xffff }),
  'get-created-texts': ({ alice }) => ({ person: alice.no, first: 1, no_of_texts: 10 }),
  'get-person-stat': ({ alice }) => ({ pers_no: alice.no }),
  'map-created-texts': ({ alice }) => ({ author: alice.no, first_local_no: 1, no_of_existing_texts: 10 }),
  'map-created-texts-reverse': ({ alice }) => ({ author: alice.no, local_no_ceiling: 0, no_of_existing_texts: 10 }),
  // texts
  'get-marks': () => ({}),
  'get-text': ({ texts }) => ({ text: texts.root, start_char: 0, end_char: 999 }),
  'get-text-stat-old': ({ texts }) => ({ text_no: texts.root }),
  'get-map': ({ club }) => ({ conf_no: club.no, first_local_no: 1, no_of_texts: 10 }),
  'get-last-text': () => ({ before: LATER }),
  'find-next-text-no': ({ texts }) => ({ start: texts.root }),
  'find-previous-text-no': ({ texts }) => ({ start: texts.comment }),
  'get-text-stat': ({ texts }) => ({ text_no: texts.root }),
  'local-to-global': ({ club }) => ({ conf_no: club.no, first_local_no: 1, no_of_existing_texts: 10 }),
  'first-unused-text-no': () => ({}),
  'local-to-global-reverse': ({ club }) => ({ conf_no: club.no, local_no_ceiling: 0, no_of_existing_texts: 10 }),
  // memberships
  'query-read-texts-old': ({ alice, club }) => ({ person: alice.no, conference: club.no }),
  'get-membership-old': ({ alice }) => ({ person: alice.no, first: 0, no_of_confs: 10, want_read_texts: true }),
  'get-members-old': ({ club }) => ({ conf: club.no, first: 0, no_of_members: 10 }),
  'get-unread-confs': ({ alice }) => ({ pers_no: alice.no }),
  'query-read-texts-10': ({ alice, club }) => ({ person: alice.no, conference: club.no }),
  'get-membership-10': ({ alice }) => ({ person: alice.no, first: 0, no_of_confs: 10, want_read_texts: true }),
  'get-members': ({ club }) => ({ conf: club.no, first: 0, no_of_members: 10 }),
  'query-read-texts': ({ alice, club }) => ({
    person: alice.no,
    conference: club.no,
    want_read_ranges: true,
    max_ranges: 0,
  }),
  'get-membership': ({ alice }) => ({
    person: alice.no,
    first: 0,
    no_of_confs: 10,
    want_read_ranges: false,
    max_ranges: 0,
  }),
  // sessions
  'who-is-on-old': () => ({}),
  'who-is-on': () => ({}),
  'get-session-info': (_, own) => own,
  'who-am-i': () => ({}),
  'who-is-on-ident': () => ({}),
  'get-session-info-ident': (_, own) => own,
  'get-client-name': (_, { session_no }) => ({ session: session_no }),
  'get-client-version': (_, { session_no }) => ({ session: session_no }),
  'query-async': () => ({}),
  'who-is-on-dynamic': () => ({ want_visible: true, want_invisible: true, active_last: 0 }),
  'get-static-session-info': (_, own) => own,
  'get-scheduling': (_, own) => own,
  // the server
  'get-time': () => ({}),
  'get-info-old': () => ({}),
  'get-version-info': () => ({}),
  'get-collate-table': () => ({}),
  'get-info': () => ({}),
  'query-predefined-aux-items': () => ({}),
  'get-stats-description': () => ({}),
  'get-stats': () => ({ what: 'clients' }),
  'get-boottime-info': () => ({}),
}

const replyOf = (name: string) => CALLS[name as CallName].reply.schema

it('every call with a reply, except those that create something, is in the table', () => {
  const reads = Object.keys(CALLS).filter((name) => replyOf(name).kind !== 'nothing' && !name.startsWith('create-'))
  expect(new Set(Object.keys(READS))).toEqual(new Set(reads))
})

describe.each(BACKENDS)('typed calls on $name', ({ name: backend, start }) => {
  const stage = onStage(start)
  const isImplemented = (name: string) => backend !== 'the demo server' || Object.hasOwn(HANDLERS, name)
  let alice: Client
  let own: Own
  beforeAll(async () => {
    alice = await stage.as('alice')
    own = { session_no: (await alice.get('/sessions/current/who-am-i')).json.session_no }
  })
  const call = async (name: CallName, params: object) => (await alice.post(`/calls/${name}`, params)).json.reply

  it.each(Object.entries(READS))('%s returns a reply that fits its JSON Schema', async (name, params) => {
    const answer = await alice.post(`/calls/${name}`, params(stage.cast, own))
    if (!isImplemented(name)) {
      expect([answer.status, answer.json]).toEqual([400, protocolError(2, 'NotImplemented', 0)])
      return
    }
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)])
    const schema = callJsonSchemas(name as CallName).reply as Parameters<typeof z.fromJSONSchema>[0]
    expect(z.fromJSONSchema(schema).safeParse(answer.json.reply).error).toBeUndefined()
  })

  it('return the status and the content of a text', async () => {
    const { alice: author, club, other, secret, texts } = stage.cast
    expect(await call('get-text-stat', { text_no: texts.root })).toEqual({
      creation_time: TIME,
      author: author.no,
      no_of_lines: 2,
      no_of_chars: 22,
      no_of_marks: 0,
      misc_info: [
        { kind: 'recpt', value: club.no },
        { kind: 'loc_no', value: 1 },
        { kind: 'cc_recpt', value: other.no },
        { kind: 'loc_no', value: 1 },
        { kind: 'bcc_recpt', value: secret.no },
        { kind: 'loc_no', value: 1 },
        { kind: 'comm_in', value: texts.comment },
        { kind: 'footn_in', value: texts.footnote },
      ],
      aux_items: [
        expect.objectContaining({ tag: 1, creator: author.no, data: 'text/x-kom-basic;charset=iso-8859-1' }),
        expect.objectContaining({ tag: 2, created_at: TIME, data: { latin1: 'jättebra' } }),
      ],
    })
    const content = await call('get-text', { text: texts.root, start_char: 0, end_char: 999 })
    expect(content).toEqual({ latin1: 'Räksmörgås\nåäö\nrad två' })
  })

  it('return names, memberships without read ranges, and mappings of text numbers', async () => {
    const { alice: person, bob, club, texts } = stage.cast
    const found = await call('lookup-z-name', { name: 'contract böb', want_pers: true, want_confs: true })
    expect(found).toEqual([expect.objectContaining({ name: bob.name, conf_no: bob.no })])
    await call('set-read-ranges', { conference: club.no, read_ranges: [{ first_read: 1, last_read: 2 }] })
    const memberships = { person: person.no, first: 0, no_of_confs: 99, want_read_ranges: false, max_ranges: 0 }
    const inClub = (await call('get-membership', memberships)).find(
      ({ conference }: { conference: number }) => conference === club.no,
    )
    expect(inClub).toMatchObject({ read_ranges: { omitted: 1 }, added_at: TIME, type: { passive: false } })
    const { block } = await call('local-to-global', { conf_no: club.no, first_local_no: 1, no_of_existing_texts: 2 })
    expect(block).toEqual({ kind: 'dense', value: { first_local_no: 1, texts: [texts.root, texts.comment] } })
  })

  it('create and change texts, conferences and persons', async () => {
    const conf_no = await call('create-conf', { name: 'Contract Typed', type: { rd_prot: true }, aux_items: [] })
    expect(await call('get-conf-stat', { conf_no })).toMatchObject({
      name: 'Contract Typed',
      type: { rd_prot: true, secret: false },
      creation_time: TIME,
    })
    const text_no = await call('create-text', {
      text: 'Ämne\nräv ☃',
      misc_info: [{ kind: 'recpt', value: conf_no }],
      aux_items: [{ tag: 1, flags: {}, inherit_limit: 0, data: 'text/plain;charset=utf-8' }],
    })
    expect((await alice.get(`/texts/${text_no}`)).json).toMatchObject({ subject: 'Ämne', body: 'räv ☃' })
    const { club } = stage.cast
    expect(await call('add-recipient', { text_no, conf_no: club.no, recpt_type: 'cc_recpt' })).toBeNull()
    const { creation_time, misc_info } = await call('get-text-stat', { text_no })
    expect(misc_info).toContainEqual({ kind: 'cc_recpt', value: club.no })
    expect(await call('get-last-text', { before: creation_time })).toBeLessThan(text_no)
    expect(await call('delete-text', { text: text_no })).toBeNull()
    const missing = await alice.post('/calls/get-text-stat', { text_no })
    expect([missing.status, missing.json]).toEqual([400, noSuchText(text_no)])
  })

  it('log in and out, and need a login where Protocol A does', async () => {
    const client = await stage.fresh()
    const marks = async () => (await client.post('/calls/get-marks')).status
    const { no, passwd } = stage.cast.bob
    expect(await marks()).toBe(401)
    expect((await client.post('/calls/login', { person: no, passwd, invisible: true })).json).toEqual({ reply: null })
    expect(await marks()).toBe(200)
    expect((await client.get('/sessions/current/who-am-i')).json.person).toMatchObject({ pers_no: no })
    const wrong = await client.post('/calls/set-passwd', { person: no, old_pwd: 'wrong', new_pwd: 'x' })
    expect([wrong.status, wrong.json.error_msg]).toEqual([400, 'InvalidPassword'])
    expect((await client.post('/calls/logout')).json).toEqual({ reply: null })
    expect(await marks()).toBe(401)
    expect((await client.post('/calls/disconnect', { session_no: 0 })).json).toEqual({ reply: null })
    expect(await marks()).toBe(403)
  })
})
