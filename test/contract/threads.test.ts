import { describe, expect, it } from 'vitest'
import { gatewayError, noSuchText, textZero } from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

describe.each(BACKENDS)('threads on $name', ({ start }) => {
  const stage = onStage(start)
  /** Writes a text in the club, or in other conferences. */
  const write = async (subject: string, commentTo: number[] = [], to = [stage.cast.club.no]) =>
    (await stage.author('alice')).write({ text: `${subject}\nb`, to, commentTo })
  const tree = async (no: number, query = '', who: 'alice' | 'bob' = 'bob') =>
    (await stage.as(who)).get(`/texts/${no}/tree${query}`)

  it('have each text without its body, in depth-first order', async () => {
    const root = await write('root')
    const a = await write('a', [root])
    const b = await write('b', [root])
    const leaf = await write('leaf', [a])
    const note = await (await stage.author('alice')).write({
      text: 'note\nb',
      to: [stage.cast.club.no],
      footnoteTo: [root],
    })
    const answer = await tree(root)
    expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['root', 'texts', 'order', 'truncated']])
    const { texts, ...rest } = answer.json
    expect(rest).toEqual({ root, order: [root, a, leaf, b, note], truncated: false })
    expect(Object.keys(texts).map(Number)).toEqual([root, a, b, leaf, note].sort((x, y) => x - y))
    for (const no of [root, a, b, leaf, note]) {
      const { body: _, ...text } = (await (await stage.as('bob')).get(`/texts/${no}`)).json
      expect(texts[no]).toEqual(text)
    }
  })

  it('begin at the top by default, and at the text with `up=false`', async () => {
    const root = await write('root')
    const a = await write('a', [root])
    const b = await write('b', [root])
    const leaf = await write('leaf', [a])
    for (const query of ['', '?up=true']) {
      expect((await tree(leaf, query)).json).toMatchObject({ root, order: [root, a, leaf, b], truncated: false })
    }
    expect((await tree(a, '?up=false')).json).toMatchObject({ root: a, order: [a, leaf], truncated: false })
  })

  it('have a text with several commented texts once', async () => {
    const root = await write('root')
    const a = await write('a', [root])
    const b = await write('b', [root])
    const both = await write('both', [a, b])
    const { json } = await tree(both)
    expect([json.root, json.order]).toEqual([root, [root, a, both, b]])
  })

  it('have only texts that the person may read', async () => {
    const { secret, texts } = stage.cast
    const hidden = await write('hidden', [], [secret.no])
    const open = await write('open', [hidden])
    const answer = await write('answer', [open], [secret.no])
    const below = await write('below', [answer])
    expect((await tree(open)).json).toMatchObject({ root: open, order: [open], truncated: false })
    expect((await tree(open)).json.texts[open]).toMatchObject({
      comment_to_list: [{ text_no: hidden, author: null }],
      comment_in_list: [{ text_no: answer, author: null }],
    })
    expect((await tree(below)).json).toMatchObject({ root: below, order: [below] })
    expect((await tree(below, '', 'alice')).json).toMatchObject({ root: hidden, order: [hidden, open, answer, below] })
    const { json } = await tree(texts.root)
    expect(json.order).toEqual([texts.root, texts.comment, texts.footnote])
    expect(
      json.texts[texts.root].recipient_list.map((each: { recpt: { conf_no: number } }) => each.recpt.conf_no),
    ).toEqual(expect.not.arrayContaining([secret.no]))
  })

  it('have the texts nearest to the text if there are more than the limit', async () => {
    const chain = [await write('0')]
    for (let i = 1; i <= 5; i++) chain.push(await write(`${i}`, [chain[i - 1] as number]))
    const middle = chain[2] as number
    const { json } = await tree(middle, '?limit=3')
    expect(json).toMatchObject({ root: chain[1], order: chain.slice(1, 4), truncated: true })
    expect((await tree(middle, '?limit=6')).json).toMatchObject({ root: chain[0], order: chain, truncated: false })
    expect((await tree(middle, '?limit=1')).json).toMatchObject({ root: middle, order: [middle], truncated: true })
  })

  it('have more comments than the in-flight window of the connection', async () => {
    const root = await write('root')
    const comments: number[] = []
    for (let i = 0; i < 100; i++) comments.push(await write(`comment ${i}`, [root]))
    const { json } = await tree(root)
    expect([json.order, json.truncated]).toEqual([[root, ...comments], false])
    expect(json.texts[comments[99] as number].subject).toBe('comment 99')
  })

  it('fail with 404 for texts that do not exist or may not be read, with 400 for 0, with 401 without a login', async () => {
    const { texts } = stage.cast
    for (const no of [2 ** 32 - 1, texts.deleted, texts.secret]) {
      const answer = await tree(no)
      expect([answer.status, answer.json]).toEqual([404, noSuchText(no)])
    }
    const zero = await tree(0)
    expect([zero.status, zero.json]).toEqual([400, textZero])
    expect((await (await stage.fresh()).get(`/texts/${texts.root}/tree`)).status).toBe(401)
  })

  it.each([
    ['up=1', '"up" must be true or false.'],
    ['up=', '"up" must be true or false.'],
    ['limit=0', '"limit" must be a whole number from 1 to 1000.'],
    ['limit=1001', '"limit" must be a whole number from 1 to 1000.'],
    ['limit=', '"limit" must be a whole number from 1 to 1000.'],
    ['limit=-1', '"limit" must be a whole number from 1 to 1000.'],
    ['limit=x', '"limit" must be a whole number from 1 to 1000.'],
  ])('reject the query "%s" with a 400 that names the parameter', async (query, message) => {
    const answer = await tree(stage.cast.texts.root, `?${query}`)
    expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
  })
})
