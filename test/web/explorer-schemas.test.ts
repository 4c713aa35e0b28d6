import { describe, expect, it } from 'vitest'
import { faultsOfDraft, newDraft } from '../../src/web/console/explorer/request.ts'
import { shapeOf } from '../../src/web/console/explorer/schema/shape.ts'
import { faultsOf } from '../../src/web/console/explorer/schema/validate.ts'
import { COMPONENTS, find, validatorOf } from './described-operations.ts'

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
