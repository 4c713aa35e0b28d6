import { describe, expect, it } from 'vitest'
import { NOWHERE, noSuchText, TIME, textZero } from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

describe.each(BACKENDS)('reading texts on $name', ({ start }) => {
  const stage = onStage(start)
  const named = ({ no, name }: { no: number; name: string }) => ({ pers_no: no, pers_name: name })
  const conf = ({ no, name }: { no: number; name: string }) => ({ conf_no: no, name })
  const recipient = (type: string, to: { no: number; name: string }, loc_no: unknown) => ({
    type,
    recpt: conf(to),
    loc_no,
    sent_by: null,
    sent_at: null,
    rec_time: null,
  })

  describe('GET text', () => {
    it('returns exactly these fields', async () => {
      const { alice, bob, club, other, secret, texts } = stage.cast
      const answer = await (await stage.as('alice')).get(`/texts/${texts.root}`)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
      expect(answer.json).toEqual({
        text_no: texts.root,
        author: named(alice),
        no_of_marks: 0,
        creation_time: TIME,
        content_type: 'text/x-kom-basic',
        subject: 'Räksmörgås',
        body: 'åäö\nrad två',
        recipient_list: [recipient('to', club, 1), recipient('cc', other, 1), recipient('bcc', secret, 1)],
        comment_to_list: [],
        comment_in_list: [
          { type: 'comment', text_no: texts.comment, author: named(bob) },
          { type: 'footnote', text_no: texts.footnote, author: named(alice) },
        ],
        aux_items: [
          {
            aux_no: expect.any(Number),
            tag: 'fast-reply',
            creator: named(alice),
            created_at: TIME,
            flags: { deleted: 0, inherit: 0, secret: 0, hide_creator: 0, dont_garb: 0 },
            inherit_limit: expect.any(Number),
            data: 'jättebra',
          },
        ],
      })
    })

    it('returns the texts that it comments and to which it is a footnote', async () => {
      const { alice, texts } = stage.cast
      const client = await stage.as('bob')
      const links = async (no: number) => (await client.get(`/texts/${no}`)).json.comment_to_list
      expect(await links(texts.comment)).toEqual([{ type: 'comment', text_no: texts.root, author: named(alice) }])
      expect(await links(texts.footnote)).toEqual([{ type: 'footnote', text_no: texts.root, author: named(alice) }])
    })

    it('shows a bcc recipient to members of that conference only', async () => {
      const { club, other, texts } = stage.cast
      const seen = (await (await stage.as('bob')).get(`/texts/${texts.root}`)).json.recipient_list
      expect(seen).toEqual([recipient('to', club, 1), recipient('cc', other, 1)])
    })

    it('shows a bcc to a person to that person and the author only', async () => {
      const { club, bob } = stage.cast
      const no = await (await stage.author('alice')).write({ text: 's\nb', to: [club.no], bcc: [bob.no] })
      const types = async (who: 'alice' | 'bob' | 'carol') => {
        const { recipient_list } = (await (await stage.as(who)).get(`/texts/${no}`)).json
        return recipient_list.map(({ type }: { type: string }) => type)
      }
      expect(await types('alice')).toEqual(['to', 'bcc'])
      expect(await types('bob')).toEqual(['to', 'bcc'])
      expect(await types('carol')).toEqual(['to'])
    })

    it('returns who added a recipient and when, and comments linked later, immediately', async () => {
      const { alice, bob, club, other } = stage.cast
      const [author, adder] = [await stage.author('alice'), await stage.author('bob')]
      const textNo = await author.write({ text: 's\nb', to: [club.no] })
      const comment = await adder.write({ text: 's\nb', to: [club.no] })
      const client = await stage.as('bob')
      const read = async (no: number) => (await client.get(`/texts/${no}`)).json
      expect((await read(textNo)).recipient_list).toEqual([recipient('to', club, expect.any(Number))])
      await adder.connection.call('add-recipient', { textNo, confNo: other.no, recptType: 'cc-recpt' })
      await author.connection.call('add-recipient', { textNo, confNo: bob.no, recptType: 'recpt' })
      await author.connection.call('add-comment', { textNo: comment, commentTo: textNo })
      const { recipient_list, comment_in_list } = await read(textNo)
      expect(recipient_list).toEqual([
        recipient('to', club, expect.any(Number)),
        { ...recipient('cc', other, expect.any(Number)), sent_by: named(bob), sent_at: TIME },
        { ...recipient('to', bob, expect.any(Number)), sent_at: TIME },
      ])
      expect(comment_in_list).toEqual([{ type: 'comment', text_no: comment, author: named(bob) }])
      expect((await read(comment)).comment_to_list).toEqual([
        { type: 'comment', text_no: textNo, author: named(alice) },
      ])
      await author.connection.call('sub-comment', { textNo: comment, commentTo: textNo })
      await author.connection.call('sub-recipient', { textNo, confNo: club.no })
      const left = await read(textNo)
      expect([left.comment_in_list, left.recipient_list.length]).toEqual([[], 2])
    })

    it("keeps the server's order of recipients and comments", async () => {
      const { alice, bob, carol, club, other } = stage.cast
      const author = await stage.author('alice')
      const root = await author.write({ text: 's\nb', to: [other.no, carol.no, club.no], cc: [bob.no, alice.no] })
      const comments = []
      for (let i = 0; i < 5; i++) comments.push(await author.write({ text: 's\nb', to: [club.no], commentTo: [root] }))
      const { recipient_list, comment_in_list } = (await (await stage.as('alice')).get(`/texts/${root}`)).json
      expect(recipient_list.map((each: { recpt: { conf_no: number } }) => each.recpt.conf_no)).toEqual(
        [other, carol, club, bob, alice].map(({ no }) => no),
      )
      expect(comment_in_list.map((each: { text_no: number }) => each.text_no)).toEqual(comments)
    })

    it('returns a comment on an unreadable text without the author of that text', async () => {
      const { texts, alice } = stage.cast
      const read = async (who: 'alice' | 'bob') =>
        (await (await stage.as(who)).get(`/texts/${texts.commentOnSecret}`)).json.comment_to_list
      expect(await read('alice')).toEqual([{ type: 'comment', text_no: texts.secret, author: named(alice) }])
      expect(await read('bob')).toEqual([{ type: 'comment', text_no: texts.secret, author: null }])
    })

    it('returns the anonymous person as author of an anonymous text', async () => {
      const { author } = (await (await stage.as('bob')).get(`/texts/${stage.cast.texts.anonymous}`)).json
      expect(author).toEqual({ pers_no: 0, pers_name: 'Anonymous person' })
    })

    it('returns a placeholder for a deleted author, in links as well', async () => {
      const { gone, texts } = stage.cast
      const placeholder = { pers_no: gone.no, pers_name: `Person ${gone.no} (does not exist)` }
      const client = await stage.as('bob')
      expect((await client.get(`/texts/${texts.orphan}`)).json.author).toEqual(placeholder)
      expect((await client.get(`/texts/${texts.commentOnOrphan}`)).json.comment_to_list).toEqual([
        { type: 'comment', text_no: texts.orphan, author: placeholder },
      ])
    })

    it('rejects an unknown, deleted or unreadable text with 404, number 0 with 400', async () => {
      const { texts } = stage.cast
      const client = await stage.as('bob')
      for (const no of [NOWHERE, 2 ** 32 - 1, texts.deleted, texts.secret, texts.closed]) {
        for (const path of [`/texts/${no}`, `/texts/${no}/body`, `/textstats/${no}`]) {
          const answer = await client.get(path)
          expect([path, answer.status, answer.json]).toEqual([path, 404, noSuchText(no)])
        }
      }
      for (const path of ['/texts/0', '/texts/0/body', '/textstats/0']) {
        const answer = await client.get(path)
        expect([path, answer.status, answer.json]).toEqual([path, 400, textZero])
      }
    })

    it('returns an ETag that changes with the status of the text', async () => {
      const { club } = stage.cast
      const no = await (await stage.author('alice')).write({ text: 's\nb', to: [club.no] })
      const bob = await stage.as('bob')
      const first = await bob.get(`/texts/${no}`)
      const tag = first.headers.get('etag') ?? ''
      expect(tag).toMatch(/^(W\/)?".+"$/)
      expect(first.headers.get('cache-control')).toBe('no-cache')
      const again = await bob.get(`/texts/${no}`, { 'if-none-match': tag })
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', tag])
      for (const known of [`W/${tag}`, `"x", ${tag}`, '*']) {
        expect([known, (await bob.get(`/texts/${no}`, { 'if-none-match': known })).status]).toEqual([known, 304])
      }
      expect((await bob.put(`/texts/${no}/mark`, { type: 1 })).status).toBe(201)
      const marked = await bob.get(`/texts/${no}`, { 'if-none-match': tag })
      expect([marked.status, marked.json.no_of_marks]).toEqual([200, 1])
    })

    it('answers HEAD like GET without a body', async () => {
      const answer = await (await stage.as('alice')).head(`/texts/${stage.cast.texts.root}`)
      expect([answer.status, answer.text]).toEqual([200, ''])
    })
  })

  describe('subject and body', () => {
    const LATIN1 = Buffer.from('räk\nåäö', 'latin1')
    const UTF8 = Buffer.from('r☃k\nå☃😀')
    const BROKEN = '\u00c3\u00a5'
    it.each<[string, Uint8Array, string | undefined, { content_type: string; subject: string | null; body?: string }]>([
      ['no content type', LATIN1, undefined, { content_type: 'text/plain', subject: 'räk', body: 'åäö' }],
      ['no charset', LATIN1, 'text/x-kom-basic', { content_type: 'text/x-kom-basic', subject: 'räk', body: 'åäö' }],
      ['latin-1', LATIN1, 'text/plain;charset=iso-8859-1', { content_type: 'text/plain', subject: 'räk', body: 'åäö' }],
      [
        'ISO-8859-1',
        LATIN1,
        'text/plain; charset="ISO-8859-1"',
        { content_type: 'text/plain', subject: 'räk', body: 'åäö' },
      ],
      ['x-ctext', LATIN1, 'text/plain;charset=x-ctext', { content_type: 'text/plain', subject: 'räk', body: 'åäö' }],
      ['UTF-8', UTF8, 'text/plain;charset=utf-8', { content_type: 'text/plain', subject: 'r☃k', body: 'å☃😀' }],
      ['UTF-8, untold', Buffer.from('å'), undefined, { content_type: 'text/plain', subject: '', body: BROKEN }],
      [
        'an unknown charset',
        LATIN1,
        'text/plain;charset=nope',
        { content_type: 'text/plain', subject: 'räk', body: 'åäö' },
      ],
      [
        'a wrong charset',
        LATIN1,
        'text/plain;charset=utf-8',
        { content_type: 'text/plain', subject: 'räk', body: 'åäö' },
      ],
      [
        'koi8-r',
        Buffer.from([0x0a, 0xf0]),
        'text/plain;charset=koi8-r',
        { content_type: 'text/plain', subject: '', body: 'П' },
      ],
      ['x-kom/text', LATIN1, 'x-kom/text', { content_type: 'text/x-kom-basic', subject: 'räk', body: 'åäö' }],
      ['no line feed', Buffer.from('no feed'), undefined, { content_type: 'text/plain', subject: '', body: 'no feed' }],
      ['nothing', Buffer.from(''), undefined, { content_type: 'text/plain', subject: '', body: '' }],
      ['a subject alone', Buffer.from('s\n'), undefined, { content_type: 'text/plain', subject: 's', body: '' }],
      [
        'NUL and CRLF',
        Buffer.from('s\r\n\0a\r\nb'),
        undefined,
        { content_type: 'text/plain', subject: 's\r', body: '\0a\r\nb' },
      ],
      ['HTML', Buffer.from('s\n<p>'), 'text/html; X=y', { content_type: 'text/html;X=y', subject: 's', body: '<p>' }],
      [
        'upper case',
        LATIN1,
        'TEXT/Plain; CharSet=ISO-8859-1',
        { content_type: 'text/plain', subject: 'räk', body: 'åäö' },
      ],
      ['an image', Buffer.from('s\n\0\x01'), 'image/png', { content_type: 'image/png', subject: 's' }],
      [
        'no text',
        Buffer.from('s\nx'),
        'application/octet-stream',
        { content_type: 'application/octet-stream', subject: 's' },
      ],
      [
        'a user area',
        Buffer.from('0H 2Ha\n'),
        'x-kom/user-area',
        { content_type: 'x-kom/user-area', subject: null, body: '0H 2Ha\n' },
      ],
    ])('decodes %s', async (_, text, contentType, expected) => {
      const author = await stage.author('alice')
      const no = await author.write({
        text,
        to: [stage.cast.club.no],
        ...(contentType !== undefined && { contentType }),
      })
      const { content_type, subject, body } = (await (await stage.as('bob')).get(`/texts/${no}`)).json
      expect({ content_type, subject, ...(body !== undefined && { body }) }).toEqual(expected)
      const answer = await (await stage.as('bob')).get(`/texts/${no}/body`)
      const isText = /^text|^x-kom/.test(expected.content_type)
      expect(answer.headers.get('content-type')).toBe(`${expected.content_type}${isText ? '; charset=utf-8' : ''}`)
      if (isText) expect(answer.text).toBe(expected.body)
    })

    it('returns the longest text that the server accepts in full', async () => {
      const text = `s\n${'å'.repeat(131_070)}`
      const no = await (await stage.author('alice')).write({ text, to: [stage.cast.club.no] })
      const { body } = (await (await stage.as('bob')).get(`/texts/${no}`)).json
      expect(body).toBe('å'.repeat(131_070))
    })

    it.each(['image/png; name=a\x01b', 'image/png; name=a\r\nb: c', 'image/png; name=\x7f', 'no type', '/', 'a/b;;=;'])(
      'returns a text of the unusual type %j',
      async (contentType) => {
        const author = await stage.author('alice')
        const write = author.write({ text: 's\nb', contentType, to: [stage.cast.club.no] })
        const no = await write.catch(() => undefined)
        // The server rejects content types without a slash.
        if (no === undefined) return
        const bob = await stage.as('bob')
        expect((await bob.get(`/texts/${no}`)).status).toBe(200)
        const body = await bob.get(`/texts/${no}/body`)
        expect([body.status, body.text, body.headers.get('b')]).toEqual([200, 'b', null])
      },
    )
  })

  describe('text status', () => {
    const path = '/textstats'

    it('returns the text without subject, body and type', async () => {
      const { texts } = stage.cast
      const alice = await stage.as('alice')
      for (const no of [texts.root, texts.comment, texts.userArea]) {
        const { subject: _, body: __, content_type: ___, ...stat } = (await alice.get(`/texts/${no}`)).json
        const answer = await alice.get(`${path}/${no}`)
        expect([answer.status, answer.json]).toEqual([200, stat])
      }
    })

    it('returns many texts in one response, with null for unreadable ones', async () => {
      const { texts } = stage.cast
      const bob = await stage.as('bob')
      const [root, comment] = [
        (await bob.get(`${path}/${texts.root}`)).json,
        (await bob.get(`${path}/${texts.comment}`)).json,
      ]
      const text_nos = [texts.comment, String(texts.root), texts.secret, texts.deleted, NOWHERE, 0, texts.root]
      const answer = await bob.post(path, { text_nos })
      expect([answer.status, answer.json]).toEqual([
        200,
        {
          text_stats: {
            [texts.root]: root,
            [texts.comment]: comment,
            [texts.secret]: null,
            [texts.deleted]: null,
            [NOWHERE]: null,
            0: null,
          },
        },
      ])
      expect((await bob.post(path, { text_nos: [] })).json).toEqual({ text_stats: {} })
    })

    it.each([
      [{}, 'Missing "text_nos".'],
      [[], 'Missing "text_nos".'],
      [{ text_nos: null }, '"text_nos" is null.'],
      [{ text_nos: 5 }, '"text_nos" must be a list.'],
      [{ text_nos: Array.from({ length: 101 }, (_, i) => i) }, '"text_nos" must be 100 numbers at most.'],
      [{ text_nos: [1, -1] }, '"text_nos.1" must be a whole number from 0 to 4294967295.'],
      [{ text_nos: [null] }, '"text_nos.0" is null.'],
      [{ text_nos: [2 ** 32] }, '"text_nos.0" must be a whole number from 0 to 4294967295.'],
      [null, 'Invalid body.'],
    ])('rejects the body %j with a 400 that names the field', async (json, message) => {
      const answer = await (await stage.as('bob')).post(path, json)
      expect([answer.status, answer.json]).toEqual([400, { error_type: 'httpkom', error_msg: message }])
    })
  })

  it('shows texts, marks and comments of one session to other sessions immediately', async () => {
    const [alice, bob] = [await stage.as('alice'), await stage.as('bob')]
    const to = { recipient_list: [{ type: 'to', recpt: { conf_no: stage.cast.club.no } }], content_type: 'text/plain' }
    const { text_no } = (await alice.post('/texts/', { ...to, subject: 's', body: 'b' })).json
    const before = (await bob.get(`/texts/${text_no}`)).json
    expect([before.no_of_marks, before.comment_in_list]).toEqual([0, []])
    const comment_to_list = [{ type: 'comment', text_no }]
    const comment = (await alice.post('/texts/', { ...to, subject: 's', body: 'b', comment_to_list })).json.text_no
    expect((await alice.put(`/texts/${text_no}/mark`, { type: 1 })).status).toBe(201)
    const after = (await bob.get(`/texts/${text_no}`)).json
    expect(after).toEqual({
      ...before,
      no_of_marks: 1,
      comment_in_list: [{ type: 'comment', text_no: comment, author: named(stage.cast.alice) }],
    })
  })

  it('removes a deleted text immediately, including the links to it', async () => {
    const [author, bob] = [await stage.author('alice'), await stage.as('bob')]
    const { club } = stage.cast
    const root = await author.write({ text: 's\nb', to: [club.no] })
    const comment = await author.write({ text: 's\nb', to: [club.no], commentTo: [root] })
    expect((await bob.get(`/texts/${root}/body`)).text).toBe('b')
    await author.delete(root)
    expect((await bob.get(`/texts/${root}`)).status).toBe(404)
    expect((await bob.get(`/texts/${root}/body`)).status).toBe(404)
    expect((await bob.get(`/texts/${comment}`)).json.comment_to_list).toEqual([])
  })
})
