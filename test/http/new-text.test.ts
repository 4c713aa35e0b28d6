import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBase64 } from '../../src/http/input/base64.ts'
import { NewText, toDraft } from '../../src/http/input/new-text.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { h, reply } from '../support/wire.ts'

const CLIENT = { name: 'test', version: '1.0' }

it('NewText accepts an image up to the body size limit, with and without line breaks', () => {
  const image = Buffer.alloc(6_000_000, 'an image \xff', 'latin1')
  const base64 = image.toString('base64')
  const subject = 's'
  for (const body of [base64, base64.replace(/.{76}/g, '$&\n')]) {
    const parsed = NewText.parse({ subject, body, content_type: 'image/png', content_encoding: 'base64' })
    expect(Buffer.concat([Buffer.from('s\n'), image]).equals(toDraft(parsed, CLIENT).text)).toBe(true)
  }
})

it('decodeBase64 ignores white space at any position', () => {
  const space = fc.array(fc.constantFrom(' ', '\n', '\r\n', '\t', '\f', '\v'), { maxLength: 3 })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.infiniteStream(space), (bytes, spaces) => {
      const base64 = Buffer.from(bytes).toString('base64')
      const spaced = [...base64, ''].map((character) => [...(spaces.next().value ?? []), character].join('')).join('')
      expect(decodeBase64(spaced)).toEqual(Buffer.from(bytes))
    }),
  )
})

it.each([
  'A',
  'AA',
  'AAA',
  'AA=',
  'A===',
  '=',
  '====',
  'AA==AA==',
  'AA=\n=A',
  'AA-_',
  'AAAA\0',
  'AAAAÅ',
  'AAA☃',
  'AAA='.repeat(2),
])('decodeBase64 rejects invalid base64: %j', (text) => {
  expect(decodeBase64(text)).toBeUndefined()
})

it('toDraft normalizes the subject of a text to NFC, but not its body', () => {
  const text = { subject: 'A\u030a ☃', body: 'A\u030a', content_type: 'text/plain' }
  expect(Buffer.from(toDraft(NewText.parse(text), CLIENT).text).toString()).toBe('Å ☃\nA\u030a')
})

it('NewText parses a subject of a million combining marks within 2 s', { timeout: 2000 }, () => {
  const subject = `A${'\u0300\u0323'.repeat(500_000)}`
  expect(NewText.parse({ subject, body: '', content_type: 'text/plain' }).subject).toBe(subject)
})

it('POST /texts/ creates a text with an image of 5 MB', async () => {
  const CREATE_TEXT = 86
  const LOGIN = 62
  const GET_UCONF_STAT = 78
  let stored = 0
  const server = await startFakeServer(({ ref, call, args }) => {
    if (call === LOGIN) return reply(ref)
    if (call === GET_UCONF_STAT) return reply(ref, h('Anna'), '10010000', 0, 77)
    if (call !== CREATE_TEXT) return undefined
    stored = args.length
    return reply(ref, 4711)
  })
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }])
  try {
    const id = await gateway.open()
    const login = { id, json: { pers_no: 5, passwd: '' } }
    expect((await gateway.send('POST', '/kom/sessions/current/login', login)).status).toBe(201)
    const body = Buffer.alloc(5_500_000, 'image').toString('base64').replace(/.{76}/g, '$&\n')
    const json = { subject: '', body, content_type: 'image/png', content_encoding: 'base64' }
    const answer = await gateway.send('POST', '/kom/texts/', { id, json })
    expect([answer.status, answer.json]).toEqual([201, { text_no: 4711 }])
    expect(stored).toBeGreaterThan(5_500_000)
  } finally {
    await gateway.close()
    await server.close()
  }
})
