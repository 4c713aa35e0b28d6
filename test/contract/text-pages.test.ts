import { describe, expect, it } from 'vitest'
import {
  conferenceZero,
  gatewayError,
  NOWHERE,
  protocolError,
  undefinedConference,
  undefinedPerson,
} from './answers.ts'
import type { Stored } from './author.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

const CONTENT_TYPE = 'text/x-kom-basic;charset=utf-8'

interface Page {
  texts: { text_no: number; subject: string | null }[]
  has_more: boolean
  next_before: number | null
}

describe.each(BACKENDS)('pages of texts on $name', ({ start }) => {
  const stage = onStage(start)
  /** Creates an empty conference. */
  const conference = async () =>
    (await (await stage.as('alice')).post('/conferences/', { name: `C ${Math.random()}` })).json.conf_no as number
  const write = async (text: Stored) => (await stage.author('alice')).write({ contentType: CONTENT_TYPE, ...text })
  /** Writes texts with the subjects `s 1`, `s 2` … to a conference. */
  const fill = async (confNo: number, count: number) => {
    const numbers: number[] = []
    for (let i = 1; i <= count; i++) numbers.push(await write({ text: `s ${i}\nb`, to: [confNo] }))
    return numbers
  }
  const get = async (path: string, who: 'alice' | 'bob' | 'carol' = 'bob') => (await stage.as(who)).get(path)
  /** Reads pages until there are no more. */
  const readAll = async (path: string): Promise<Page[]> => {
    const pages: Page[] = []
    for (let before: number | null = 0; before !== null; ) {
      const page: Page = (await get(`${path}&before=${before}`)).json
      pages.push(page)
      before = page.next_before
    }
    return pages
  }

  describe('of a conference', () => {
    it('have subjects, no bodies and the same other fields as the list without paging', async () => {
      const confNo = await conference()
      await fill(confNo, 2)
      const listed = await get(`/conferences/${confNo}/texts/`)
      const page = await get(`/conferences/${confNo}/texts/?subjects=true`)
      expect([page.status, page.json]).toEqual([
        200,
        {
          texts: listed.json.texts.map((text: object, i: number) => ({ ...text, subject: `s ${2 - i}` })),
          has_more: false,
          next_before: null,
        },
      ])
      expect(listed.json.texts).toMatchObject([{ body: null }, { body: null }])
    })

    it('are the list without paging if `subjects` is false or absent', async () => {
      const confNo = await conference()
      await fill(confNo, 3)
      const listed = await get(`/conferences/${confNo}/texts/?no-of-texts=2`)
      const unpaged = await get(`/conferences/${confNo}/texts/?no-of-texts=2&subjects=false`)
      expect(unpaged.text).toBe(listed.text)
      expect(Object.keys(listed.json)).toEqual(['texts'])
    })

    it('have no subjects with `before` alone', async () => {
      const confNo = await conference()
      await fill(confNo, 3)
      const { json } = await get(`/conferences/${confNo}/texts/?before=3&no-of-texts=1`)
      expect(json).toMatchObject({ texts: [{ subject: null, body: null }], has_more: true, next_before: 2 })
    })

    it('contain all texts, newest first, in any page size', async () => {
      const confNo = await conference()
      const numbers = await fill(confNo, 7)
      for (const size of [1, 3, 7, 8, 255]) {
        const pages = await readAll(`/conferences/${confNo}/texts/?subjects=true&no-of-texts=${size}`)
        expect(pages.flatMap(({ texts }) => texts.map(({ text_no }) => text_no))).toEqual(numbers.toReversed())
        expect(pages.map(({ has_more }) => has_more)).toEqual(pages.map((_, i) => i < pages.length - 1))
        expect(pages.length).toBe(Math.ceil(7 / size))
      }
    })

    it('skip deleted texts', async () => {
      const confNo = await conference()
      const numbers = await fill(confNo, 6)
      for (const i of [0, 2, 3, 5]) await (await stage.author('alice')).delete(numbers[i] as number)
      const pages = await readAll(`/conferences/${confNo}/texts/?subjects=true&no-of-texts=1`)
      expect(pages.map(({ texts }) => texts.map(({ text_no }) => text_no))).toEqual([[numbers[4]], [numbers[1]]])
    })

    it('are empty before the first text, in an empty conference and with 1 as `before`', async () => {
      const empty = { texts: [], has_more: false, next_before: null }
      const confNo = await conference()
      expect((await get(`/conferences/${confNo}/texts/?subjects=true`)).json).toEqual(empty)
      await fill(confNo, 1)
      expect((await get(`/conferences/${confNo}/texts/?before=1`)).json).toEqual(empty)
    })

    it('begin at the newest text if `before` is 0 or beyond it', async () => {
      const confNo = await conference()
      const [, second] = await fill(confNo, 2)
      for (const before of [0, 3, 4, 1000, 2 ** 32 - 1]) {
        const { json } = await get(`/conferences/${confNo}/texts/?before=${before}&no-of-texts=1`)
        expect([before, json]).toMatchObject([before, { texts: [{ text_no: second }], next_before: 2 }])
      }
    })

    it.each([
      ['with a long subject', `${'å'.repeat(400)}\nbody`, 'å'.repeat(400)],
      ['with a long body', `short\n${'x'.repeat(5000)}`, 'short'],
      ['without a line feed', 'x'.repeat(2000), ''],
      ['that is empty', '', ''],
    ])('have the subject of a text %s', async (_, text, subject) => {
      const confNo = await conference()
      const no = await write({ text: Buffer.from(text), to: [confNo] })
      const page = await get(`/conferences/${confNo}/texts/?subjects=true`)
      expect(page.json.texts[0].subject).toBe(subject)
      expect((await get(`/texts/${no}`)).json.subject).toBe(subject)
    })

    it('fail for conferences that cannot be read, as the list does', async () => {
      const { secret, closed } = stage.cast
      for (const [no, error] of [
        [NOWHERE, undefinedConference(NOWHERE)],
        [secret.no, undefinedConference(secret.no)],
        [closed.no, protocolError(11, 'AccessDenied', closed.no)],
        [0, conferenceZero],
      ] as const) {
        const page = await get(`/conferences/${no}/texts/?subjects=true`)
        expect([page.status, page.json]).toEqual([400, error])
      }
    })

    it.each([
      ['subjects=yes', '"subjects" must be true or false.'],
      ['subjects=', '"subjects" must be true or false.'],
      ['before=', '"before" must be a whole number from 0 to 4294967295.'],
      ['before=-1', '"before" must be a whole number from 0 to 4294967295.'],
      ['before=4294967296', '"before" must be a whole number from 0 to 4294967295.'],
      ['before=x', '"before" must be a whole number from 0 to 4294967295.'],
      ['before=1.5', '"before" must be a whole number from 0 to 4294967295.'],
      ['subjects=true&no-of-texts=0', '"no-of-texts" must be a whole number from 1 to 255.'],
      ['subjects=true&no-of-texts=256', '"no-of-texts" must be a whole number from 1 to 255.'],
      ['before=9&no-of-texts=256', '"no-of-texts" must be a whole number from 1 to 255.'],
    ])('reject the query "%s" with a 400 that names the parameter', async (query, message) => {
      const answer = await get(`/conferences/${stage.cast.club.no}/texts/?${query}`)
      expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
    })
  })

  describe('of a person', () => {
    it('contain what the person wrote, newest first, with subjects', async () => {
      const { texts, bob, alice } = stage.cast
      const page = await get(`/persons/${bob.no}/texts/`, 'carol')
      expect([page.status, Object.keys(page.json)]).toEqual([200, ['texts', 'has_more', 'next_before']])
      expect(page.json).toMatchObject({
        texts: [{ text_no: texts.comment, author: { pers_no: bob.no }, subject: 'Re', body: null }],
        has_more: false,
        next_before: null,
      })
      const confNo = await conference()
      const numbers = await fill(confNo, 5)
      const newest: Page = (await get(`/persons/${alice.no}/texts/?no-of-texts=3`)).json
      expect(newest.texts.map(({ text_no, subject }) => [text_no, subject])).toEqual([
        [numbers[4], 's 5'],
        [numbers[3], 's 4'],
        [numbers[2], 's 3'],
      ])
      const next: Page = (await get(`/persons/${alice.no}/texts/?no-of-texts=2&before=${newest.next_before}`)).json
      expect(next.texts.map(({ subject }) => subject)).toEqual(['s 2', 's 1'])
    })

    it('leave out what the person may not read, and go on behind it', async () => {
      const { alice, texts } = stage.cast
      const pages = await readAll(`/persons/${alice.no}/texts/?no-of-texts=2`)
      const seen = pages.flatMap((page) => page.texts.map(({ text_no }) => text_no))
      expect(seen).toContain(texts.root)
      for (const no of [texts.secret, texts.closed, texts.deleted, texts.anonymous]) expect(seen).not.toContain(no)
      expect(seen).toEqual(seen.toSorted((a, b) => b - a))
      const own = (await get(`/persons/${alice.no}/texts/?no-of-texts=255`, 'alice')).json
      const all = own.texts.map(({ text_no }: { text_no: number }) => text_no)
      expect(all).toEqual(expect.arrayContaining([texts.secret, texts.closed, ...seen]))
    })

    it('fail for unknown persons with 404, and for 0 with 400', async () => {
      const { gone, club } = stage.cast
      for (const no of [NOWHERE, gone.no, club.no]) {
        const answer = await get(`/persons/${no}/texts/`)
        expect([answer.status, answer.json]).toEqual([404, undefinedPerson(no)])
      }
      const zero = await get('/persons/0/texts/')
      expect([zero.status, zero.json]).toEqual([400, conferenceZero])
    })

    it('need a login', async () => {
      expect((await (await stage.fresh()).get(`/persons/${stage.cast.bob.no}/texts/`)).status).toBe(401)
    })

    it.each([
      ['no-of-texts=0', '"no-of-texts" must be a whole number from 1 to 255.'],
      ['no-of-texts=256', '"no-of-texts" must be a whole number from 1 to 255.'],
      ['no-of-texts=x', '"no-of-texts" must be a whole number from 1 to 255.'],
      ['before=x', '"before" must be a whole number from 0 to 4294967295.'],
      ['before=4294967296', '"before" must be a whole number from 0 to 4294967295.'],
    ])('reject the query "%s" with a 400 that names the parameter', async (query, message) => {
      const answer = await get(`/persons/${stage.cast.bob.no}/texts/?${query}`)
      expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
    })
  })
})
