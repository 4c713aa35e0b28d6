import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BatchResponses } from '../../src/http/output/schemas/index.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { repetitions } from '../support/repetitions.ts'

let gateway: TestGateway
let id: string
beforeAll(async () => {
  gateway = await startTestGateway([{ id: 'demo', demo: true }])
  id = await gateway.open()
  await gateway.send('POST', '/demo/sessions/current/login', { id, json: { pers_no: 6, passwd: 'demo' } })
})
afterAll(() => gateway.close())

const IDS = ['a', 'b', 'c', '__proto__', 'a b', 'å']
const SEGMENTS = [
  'texts',
  '30',
  '7',
  'textstats',
  'persons',
  '6',
  'memberships',
  'unread',
  'calls',
  'get-marks',
  'batch',
]
const pointers = fc.constantFrom('', '/', '/*', '/text_no', '/comment_in_list/*/text_no', '/list/*/unread_texts', '/~1')

/** Makes invalid parts rare, so that most batches are valid. */
const mostly = <T, U>(valid: fc.Arbitrary<T>, invalid: fc.Arbitrary<U>) =>
  fc.oneof({ arbitrary: valid, weight: 40 }, { arbitrary: invalid, weight: 1 })

/** Requests that refer to each other, mostly without a cycle. */
const request = (id: string, earlier: readonly string[]) => {
  const names = mostly(fc.constantFrom(...(earlier.length === 0 ? IDS : earlier)), fc.constantFrom(...IDS, 'x'))
  const references = fc.tuple(names, mostly(pointers, fc.string())).map(([name, pointer]) => `${name}#${pointer}`)
  const reference = earlier.length === 0 ? fc.constant('30') : references.map((text) => `{${text}}`)
  const segments = mostly(
    fc.oneof(fc.constantFrom(...SEGMENTS), reference),
    fc.string({ unit: 'binary', maxLength: 4 }),
  )
  const paths = fc.array(segments, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
  const referring: fc.Arbitrary<unknown> = earlier.length === 0 ? fc.nat() : references.map(($ref) => ({ $ref }))
  const bodies = fc.oneof(fc.jsonValue(), fc.record({ text_nos: fc.oneof(referring, fc.array(referring)) }))
  const allowed = fc.constantFrom('Accept', 'If-None-Match')
  const shape = {
    url: mostly(paths, fc.webUrl({ withFragments: true, withQueryParameters: true })),
    headers: fc.dictionary(mostly(allowed, fc.constant('Cookie')), mostly(fc.stringMatching(/^[ -~]*$/), fc.string())),
    depends_on: fc.array(earlier.length === 0 ? fc.constant('x') : names, { maxLength: earlier.length === 0 ? 0 : 2 }),
  }
  return fc.oneof(
    fc.record({ ...shape, id: fc.constant(id), method: fc.constantFrom('GET', 'HEAD', 'DELETE') }),
    fc.record({ ...shape, id: fc.constant(id), method: fc.constantFrom('POST', 'PUT', 'PATCH'), body: bodies }),
  )
}
const batches = fc
  .integer({ min: 1, max: IDS.length })
  .chain((n) => fc.tuple(...IDS.slice(0, n).map((id, i) => request(id, IDS.slice(0, i)))))

it('no batch causes an error of the gateway, and each request gets its response', async () => {
  let answered = 0
  await fc.assert(
    fc.asyncProperty(batches, fc.boolean(), async (batch, isLines) => {
      const headers: Record<string, string> = isLines ? { Accept: 'application/x-ndjson' } : {}
      const { status, text } = await gateway.send('POST', '/demo/batch', { id, json: { requests: batch }, headers })
      expect([status, text]).toEqual([expect.toSatisfy((each) => [200, 400].includes(each)), expect.any(String)])
      if (status === 400) return
      const responses = isLines
        ? text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))
        : JSON.parse(text).responses
      const parsed = BatchResponses.parse({ responses })
      expect(new Set(parsed.responses.map((each) => each.id))).toEqual(new Set(batch.map((each) => each.id)))
      for (const each of parsed.responses) expect(each.status).toBeLessThan(500)
      answered += responses.length
    }),
    { numRuns: repetitions(1000, 100) },
  )
  expect(answered).toBeGreaterThan(repetitions(500, 50))
  expect(gateway.log.filter((line) => line.includes('internal error'))).toEqual([])
}, 60_000)
