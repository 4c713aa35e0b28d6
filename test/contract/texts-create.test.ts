import { describe, expect, it } from 'vitest'
import {
  conferenceZero,
  gatewayError,
  NOWHERE,
  noSuchText,
  notWhole,
  protocolError,
  textZero,
  undefinedConference,
} from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const TEXT = { subject: 's', body: 'b', content_type: 'text/x-kom-basic' }
const IMAGE = { subject: 's', body: PNG, content_type: 'image/png', content_encoding: 'base64' }
const to = (conf_no: unknown) => ({ type: 'to', recpt: { conf_no } })

describe.each(BACKENDS)('creating texts on $name', ({ start }) => {
  const stage = onStage(start)
  const post = async (json: unknown) => (await stage.as('alice')).post('/texts/', json)
  const read = async (no: number) => (await (await stage.as('alice')).get(`/texts/${no}`)).json
  const written = async (fields: object) => {
    const answer = await post({ ...TEXT, recipient_list: [to(stage.cast.club.no)], ...fields })
    expect([answer.status, answer.json]).toEqual([201, { text_no: expect.any(Number) }])
    return read(answer.json.text_no)
  }
  const refused = async (fields: object, expected: object) => {
    const answer = await post({ ...TEXT, ...fields })
    expect([answer.status, answer.json]).toEqual([400, expected])
  }

  it('returns the number and the location of the text, with caching disabled', async () => {
    const answer = await post({ ...TEXT, recipient_list: [to(stage.cast.club.no)] })
    const { text_no } = answer.json
    expect([answer.status, answer.json]).toEqual([201, { text_no: expect.any(Number) }])
    expect(answer.headers.get('location')).toBe(`/kom/texts/${text_no}`)
    expect(answer.headers.get('cache-control')).toBe('no-cache')
  })

  it('stores the charset and the creating software for other LysKOM clients', async () => {
    const { text_no } = await written({})
    const { auxItems } = await (await stage.author('alice')).connection.call('get-text-stat', { textNo: text_no })
    expect(auxItems.map(({ tag, data }) => [tag, Buffer.from(data).toString('latin1')])).toEqual([
      [1, 'text/x-kom-basic;charset=utf-8'],
      [15, 'test 1.0'],
    ])
  })

  describe('content', () => {
    it.each([
      [{ subject: 'Räksmörgås ☃', body: 'å ☃ 😀\nrad 2' }],
      [{ subject: '', body: '' }],
      [{ subject: '', body: 'b' }],
      [{ subject: 's', body: '' }],
      [{ subject: 's', body: '\n\nb\n' }],
      [{ subject: 's\r', body: 'a\r\nb' }],
      [{ subject: 's', body: 'a\0b\x7f\x80' }],
      [{ subject: 's', body: '9 25 1 0 1\n%%\n' }],
      [{ subject: '\ufeffs', body: '\ufeffb' }],
    ])('returns the content %j as it was written', async (content) => {
      expect(await written(content)).toMatchObject({ ...content, content_type: 'text/x-kom-basic' })
    })

    it.each([
      ['text/plain', 'text/plain'],
      ['text/x-kom-basic', 'text/x-kom-basic'],
      ['x-kom/text', 'text/x-kom-basic'],
      ['text/html;charset=iso-8859-1', 'text/html'],
      ['text/html; x=y; charset="latin1"', 'text/html;x=y'],
      ['TEXT/Plain', 'text/plain'],
    ])('stores the type %s as the type %s in UTF-8', async (content_type, type) => {
      expect(await written({ content_type, body: 'å☃' })).toMatchObject({ content_type: type, body: 'å☃' })
    })

    it('accepts null for the encoding and for the lists', async () => {
      const fields = { content_encoding: null, recipient_list: null, comment_to_list: null }
      expect((await post({ ...TEXT, ...fields })).status).toBe(201)
    })

    it('accepts 131,072 bytes and forwards the error of the server for one byte more', async () => {
      const body = 'å'.repeat(65_535)
      expect((await written({ body })).body).toBe(body)
      await refused({ body: `${body}b` }, protocolError(5, 'StringTooLong', 131_072))
    })

    it.each(['subject', 'body'])(
      'forwards the error of the server for a %s of several MB and keeps the session open',
      async (field) => {
        await refused({ [field]: 'a'.repeat(7_000_000) }, protocolError(5, 'StringTooLong', 131_072))
        expect((await post(TEXT)).status).toBe(201)
      },
    )

    it.each(['recipient_list', 'comment_to_list'])('rejects more than 1000 entries in %s', async (field) => {
      await refused({ [field]: Array(1001).fill({}) }, gatewayError(`"${field}" has more than 1000 items.`))
    })
  })

  describe('images', () => {
    it('stores the bytes of an image after a subject in ISO 8859-1', async () => {
      const text = await written({ ...IMAGE, subject: 'bild å' })
      expect(text).toMatchObject({ content_type: 'image/png', subject: 'bild å' })
      expect(Object.keys(text)).not.toContain('body')
      const response = await fetch(`${stage.gateway.url}/kom/texts/${text.text_no}/body`, {
        headers: { 'httpkom-connection': (await stage.as('bob')).id },
      })
      expect(response.headers.get('content-type')).toBe('image/png')
      expect(Buffer.from(await response.arrayBuffer()).toString('base64')).toBe(PNG)
    })

    it('keeps the file name of an image', async () => {
      const { text_no, content_type } = await written({ ...IMAGE, content_type: 'image/jpeg; name=image:abc.jpg' })
      expect(content_type).toBe('image/jpeg;name=image:abc.jpg')
      const answer = await (await stage.as('bob')).get(`/texts/${text_no}/body`)
      expect(answer.headers.get('content-type')).toBe('image/jpeg;name=image:abc.jpg')
    })

    it.each([
      ['after 76 characters', (base64: string) => base64.replace(/.{76}/g, '$&\n')],
      ['of Windows after 60 characters, and one at the end', (base64: string) => base64.replace(/.{60}|$/g, '$&\r\n')],
      ['and other white space between any two characters', (base64: string) => base64.replace(/./g, ' \t$&\f')],
    ])('accepts line breaks %s in the base64 of an image', async (_, broken) => {
      const { text_no } = await written({ ...IMAGE, body: broken(PNG) })
      const response = await fetch(`${stage.gateway.url}/kom/texts/${text_no}/body`, {
        headers: { 'httpkom-connection': (await stage.as('bob')).id },
      })
      expect(Buffer.from(await response.arrayBuffer()).toString('base64')).toBe(PNG)
    })

    it('forwards images of several MB to the LysKOM server, which rejects them', async () => {
      const body = Buffer.alloc(6_000_000, 'image').toString('base64')
      await refused({ ...IMAGE, body }, protocolError(5, 'StringTooLong', 131_072))
    })

    it('normalizes the subject of an image to NFC', async () => {
      expect(await written({ ...IMAGE, subject: 'A\u030angstro\u0308m' })).toMatchObject({ subject: 'Ångström' })
    })

    it('accepts an empty image', async () => {
      expect(await written({ ...IMAGE, body: '' })).toMatchObject({ content_type: 'image/png', subject: 's' })
    })

    it.each([
      [{ content_encoding: undefined }, 'Missing "content_encoding"'],
      [{ content_encoding: null }, '"content_encoding"'],
      [{ content_encoding: 'gzip' }, '"content_encoding" must be base64.'],
      [{ body: '***' }, '"body" is not base64.'],
      [{ body: 'abc' }, '"body" is not base64.'],
      [{ body: 'aGV\n' }, '"body" is not base64.'],
      [{ body: 'aGVq=aGVq' }, '"body" is not base64.'],
      [{ body: 'aGVq\u00a0' }, '"body" is not base64.'],
      [{ content_type: `image/${'x'.repeat(1000)}` }, '"content_type" is longer than 1000 characters.'],
      [{ body: 'aGVq====' }, '"body" is not base64.'],
      [{ body: '_-==' }, '"body" is not base64.'],
      [{ subject: '☃' }, '"subject" of an image holds characters outside ISO 8859-1.'],
      [{ subject: 'a\nb' }, '"subject" must be one line.'],
    ])('rejects an image with %j with a 400 that names the field', async (fields, message) => {
      await refused({ ...IMAGE, ...fields }, gatewayError(new RegExp(message.replace(/[.*]/g, '\\$&'))))
    })
  })

  describe('recipients', () => {
    it('accepts to, cc and bcc recipients and whole copies of recipients from a response', async () => {
      const { club, other, bob, alice, texts } = stage.cast
      const { recipient_list } = await read(texts.root)
      const copied = await written({ recipient_list })
      const kinds = (list: { type: string; recpt: object }[]) => list.map(({ type, recpt }) => ({ type, recpt }))
      expect(kinds(copied.recipient_list)).toEqual(kinds(recipient_list))
      const mixed = [
        { type: 'bcc', recpt: { conf_no: bob.no } },
        { type: 'to', recpt: { conf_no: String(club.no) } },
        { type: 'cc', recpt: { conf_no: other.no, name: 'not its name' } },
      ]
      const sent = await written({ recipient_list: mixed })
      expect(kinds(sent.recipient_list)).toEqual([
        { type: 'bcc', recpt: { conf_no: bob.no, name: bob.name } },
        { type: 'to', recpt: { conf_no: club.no, name: club.name } },
        { type: 'cc', recpt: { conf_no: other.no, name: other.name } },
      ])
      expect(sent.author).toEqual({ pers_no: alice.no, pers_name: alice.name })
    })

    it('accepts a text without recipients, which only its author may read', async () => {
      for (const fields of [{}, { recipient_list: [] }]) {
        const { text_no } = (await post({ ...TEXT, ...fields })).json
        expect((await read(text_no)).recipient_list).toEqual([])
        expect((await (await stage.as('bob')).get(`/texts/${text_no}`)).status).toBe(404)
      }
    })

    it('forwards a rejection of a recipient by the LysKOM server with 400', async () => {
      const { club, secret } = stage.cast
      await refused({ recipient_list: [to(NOWHERE)] }, undefinedConference(NOWHERE))
      await refused({ recipient_list: [to(0)] }, conferenceZero)
      await refused({ recipient_list: [to(club.no), to(club.no)] }, protocolError(25, 'IllegalMisc', 1))
      const answer = await (await stage.as('bob')).post('/texts/', { ...TEXT, recipient_list: [to(secret.no)] })
      expect([answer.status, answer.json]).toEqual([400, undefinedConference(secret.no)])
    })

    it.each<[unknown, string | RegExp]>([
      ...notWhole('recipient_list.0.recpt.conf_no', 2 ** 16 - 1).map(([no, message]): [unknown, string] => [
        to(no),
        message,
      ]),
      [{ recpt: { conf_no: 1 } }, 'Missing "recipient_list.0.type".'],
      [{ type: null, recpt: { conf_no: 1 } }, '"recipient_list.0.type" is null.'],
      [{ type: 'xx', recpt: { conf_no: 1 } }, '"recipient_list.0.type" must be to, cc or bcc.'],
      [{ type: 'to' }, 'Missing "recipient_list.0.recpt".'],
      [{ type: 'to', recpt: null }, '"recipient_list.0.recpt" is null.'],
      [{ type: 'to', recpt: 8 }, '"recipient_list.0.recpt" must be an object.'],
      [null, '"recipient_list.0" is null.'],
      [8, /^"recipient_list.0" /],
      ['to', /^"recipient_list.0" /],
    ])('rejects the recipient %j with a 400 that names the field', async (recipient, message) => {
      await refused({ recipient_list: [recipient] }, gatewayError(message))
    })

    it.each(['8', 8, {}, true])(
      'rejects the recipient list %j with a 400 that names the field',
      async (recipient_list) => {
        await refused({ recipient_list }, gatewayError('"recipient_list" must be a list.'))
      },
    )
  })

  describe('comments and footnotes', () => {
    it('links comments and footnotes to their texts', async () => {
      const { alice, texts } = stage.cast
      const links = [
        { type: 'footnote', text_no: texts.root },
        { type: 'comment', text_no: String(texts.comment) },
      ]
      const { comment_to_list } = await written({ comment_to_list: links })
      expect(comment_to_list).toEqual([
        { type: 'footnote', text_no: texts.root, author: { pers_no: alice.no, pers_name: alice.name } },
        { type: 'comment', text_no: texts.comment, author: expect.any(Object) },
      ])
      expect((await written({ comment_to_list })).comment_to_list).toEqual(comment_to_list)
    })

    it('forwards a rejection of a link by the LysKOM server with 400', async () => {
      const { texts } = stage.cast
      const link = (type: string, text_no: number) => ({ type, text_no })
      const links = (...comment_to_list: object[]) => ({ comment_to_list })
      await refused(links(link('comment', NOWHERE)), noSuchText(NOWHERE))
      await refused(links(link('comment', texts.deleted)), noSuchText(texts.deleted))
      await refused(links(link('comment', 0)), textZero)
      await refused(links(link('footnote', texts.comment)), protocolError(37, 'NotAuthor', texts.comment))
      const twice = links(link('comment', texts.root), link('comment', texts.root))
      await refused(twice, protocolError(25, 'IllegalMisc', 1))
      const both = links(link('footnote', texts.root), link('comment', texts.root))
      await refused(both, protocolError(25, 'IllegalMisc', 1))
      const answer = await (await stage.as('bob')).post('/texts/', { ...TEXT, ...links(link('comment', texts.secret)) })
      expect([answer.status, answer.json]).toEqual([400, noSuchText(texts.secret)])
    })

    it('rejects a link to the number that the text itself would get', async () => {
      const { text_no } = (await post(TEXT)).json
      const link = { type: 'comment', text_no: text_no + 1 }
      await refused({ comment_to_list: [link] }, noSuchText(text_no + 1))
    })

    it.each<[unknown, string | RegExp]>([
      ...notWhole('comment_to_list.0.text_no', 2 ** 32 - 1).map(([text_no, message]): [unknown, string] => [
        { type: 'comment', text_no },
        message,
      ]),
      [{ text_no: 1 }, 'Missing "comment_to_list.0.type".'],
      [{ type: 'reply', text_no: 1 }, '"comment_to_list.0.type" must be comment or footnote.'],
      [null, '"comment_to_list.0" is null.'],
      [1, /^"comment_to_list.0" /],
    ])('rejects the link %j with a 400 that names the field', async (link, message) => {
      await refused({ comment_to_list: [link] }, gatewayError(message))
    })
  })

  describe('invalid input', () => {
    it.each([
      [{ subject: undefined }, 'Missing "subject".'],
      [{ subject: null }, '"subject" is null.'],
      [{ subject: 5 }, '"subject" must be a string.'],
      [{ subject: 'a\nb' }, '"subject" must be one line.'],
      [{ subject: '\ud800' }, '"subject" holds a lone surrogate.'],
      [{ body: undefined }, 'Missing "body".'],
      [{ body: null }, '"body" is null.'],
      [{ body: ['b'] }, '"body" must be a string.'],
      [{ body: 'a\udc00b' }, '"body" holds a lone surrogate.'],
      [{ content_type: undefined }, 'Missing "content_type".'],
      [{ content_type: null }, '"content_type" is null.'],
      [{ content_type: 5 }, '"content_type" must be a string.'],
      [{ content_type: '' }, '"content_type" is not a content type.'],
      [{ content_type: 'nonsense' }, '"content_type" is not a content type.'],
      [{ content_type: 'text/' }, '"content_type" is not a content type.'],
      [{ content_type: 'text/plain; x=☃' }, '"content_type" is not a content type.'],
      [{ content_type: 'text/plain\n' }, /content_type/],
      [{ content_type: 'text/plain; x=a\nb' }, /content_type/],
      [{ content_type: 'text/plain; x=a\0b' }, /content_type/],
      [{ content_type: 'application/json' }, /content type: application\/json/],
      [{ content_type: 'x-kom/user-area' }, /content type: x-kom\/user-area/],
      [{ content_type: 'multipart/mixed' }, /content type: multipart\/mixed/],
      [{ content_encoding: 'base64' }, /^"content_encoding" /],
      [{ content_encoding: 'gzip' }, '"content_encoding" must be base64.'],
      [{ content_encoding: '' }, '"content_encoding" must be base64.'],
    ])('rejects the body %j with a 400 that names the field', async (fields, message) => {
      await refused(fields, gatewayError(message))
    })

    it.each([[[]], [{}]])('rejects the body %j with a 400 that names the first missing field', async (json) => {
      const answer = await post(json)
      expect([answer.status, answer.json]).toEqual([400, gatewayError('Missing "subject".')])
    })

    it.each([null, 5, 'text'])('rejects the body %j with 400', async (json) => {
      const answer = await post(json)
      expect([answer.status, answer.json]).toEqual([400, gatewayError('Invalid body.')])
    })

    it('rejects a missing body and a body of another type with 400', async () => {
      const { id } = await stage.as('alice')
      for (const options of [{}, { body: JSON.stringify(TEXT), headers: { 'content-type': 'text/plain' } }]) {
        const answer = await stage.send('POST', '/texts/', { id, ...options })
        expect([answer.status, answer.json]).toEqual([400, gatewayError('Invalid body.')])
      }
    })
  })
})
