import { describe, expect, it } from 'vitest'
import { gatewayError, NOWHERE } from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

describe.each(BACKENDS)('POST textstats with tags on $name', ({ start }) => {
  const stage = onStage(start)
  const post = async (json: unknown) => (await stage.as('bob')).post('/textstats', json)
  const statOf = async (no: number) => (await (await stage.as('bob')).get(`/textstats/${no}`)).json
  const write = async () => (await stage.author('alice')).write({ text: 's\nb', to: [stage.cast.club.no] })

  it('returns a tag with each text', async () => {
    const { texts } = stage.cast
    const answer = await post({ text_stats: { [texts.root]: null, [texts.comment]: 'old' } })
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        text_stats: {
          [texts.root]: { ...(await statOf(texts.root)), etag: expect.stringMatching(/^[\w-]{27}$/) },
          [texts.comment]: { ...(await statOf(texts.comment)), etag: expect.stringMatching(/^[\w-]{27}$/) },
        },
        unchanged: [],
      },
    ])
  })

  it('returns the texts whose tag has changed, and the numbers of the others', async () => {
    const [a, b, c] = [await write(), await write(), await write()]
    const first = (await post({ text_stats: { [a]: null, [b]: null, [c]: null } })).json
    const tags = Object.fromEntries([a, b, c].map((no) => [no, first.text_stats[no].etag]))
    expect((await post({ text_stats: tags })).json).toEqual({ text_stats: {}, unchanged: [a, b, c] })
    await (await stage.as('bob')).put(`/texts/${b}/mark`, { type: 1 })
    const second = (await post({ text_stats: tags })).json
    expect(second).toEqual({
      text_stats: { [b]: { ...(await statOf(b)), etag: expect.any(String) } },
      unchanged: [a, c],
    })
    expect(second.text_stats[b].etag).not.toBe(tags[b])
    tags[b] = second.text_stats[b].etag
    expect((await post({ text_stats: tags })).json.unchanged).toEqual([a, b, c])
    await (await stage.as('bob')).delete(`/texts/${b}/mark`)
    expect((await post({ text_stats: { [b]: first.text_stats[b].etag } })).json.unchanged).toEqual([b])
  })

  it('reports a new comment and a deleted text as changes', async () => {
    const no = await write()
    const { etag } = (await post({ text_stats: { [no]: null } })).json.text_stats[no]
    await (await stage.author('alice')).write({ text: 's\nb', to: [stage.cast.club.no], commentTo: [no] })
    const commented = (await post({ text_stats: { [no]: etag } })).json
    expect(commented.text_stats[no].comment_in_list).toHaveLength(1)
    await (await stage.author('alice')).delete(no)
    expect((await post({ text_stats: { [no]: commented.text_stats[no].etag } })).json).toEqual({
      text_stats: { [no]: null },
      unchanged: [],
    })
  })

  it('returns null for texts that the person may not read', async () => {
    const { texts } = stage.cast
    const answer = await post({ text_stats: { [texts.secret]: null, [NOWHERE]: 'x', 0: 'x' } })
    expect(answer.json).toEqual({ text_stats: { [texts.secret]: null, [NOWHERE]: null, 0: null }, unchanged: [] })
  })

  it('accepts text numbers besides, which get tags too', async () => {
    const { root, comment } = stage.cast.texts
    const { text_stats } = (await post({ text_nos: [root], text_stats: {} })).json
    const tag = text_stats[root].etag
    const answer = (await post({ text_nos: [root, comment], text_stats: { [root]: tag } })).json
    expect([Object.keys(answer.text_stats), answer.unchanged]).toEqual([[String(comment)], [root]])
  })

  it('returns no tags without `text_stats`', async () => {
    const { root } = stage.cast.texts
    expect((await post({ text_nos: [root] })).json).toEqual({ text_stats: { [root]: await statOf(root) } })
  })

  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)
  const tags = (count: number) => Object.fromEntries(numbers(1, count).map((no) => [no, null]))

  it('accepts 100 texts', async () => {
    expect((await post({ text_stats: tags(100) })).status).toBe(200)
    expect((await post({ text_nos: numbers(200, 50), text_stats: tags(50) })).status).toBe(200)
  })

  it.each([
    ['101 texts', { text_stats: tags(101) }, '"text_stats" must be 100 numbers at most.'],
    [
      '101 texts in two lists',
      { text_nos: numbers(200, 51), text_stats: tags(50) },
      '"text_stats" must be 100 numbers at most.',
    ],
    ['no texts', {}, 'Missing "text_nos".'],
    ['null', { text_stats: null }, '"text_stats" is null.'],
    ['a list', { text_stats: [1] }, '"text_stats" must be an object.'],
    ['a number', { text_stats: 1 }, '"text_stats" must be an object.'],
    ['a tag that is a number', { text_stats: { 5: 1 } }, '"text_stats.5" must be a string.'],
    ['a name for a number', { text_stats: { x: 'x' } }, '"text_stats.x" must have a text number as its name.'],
    ['an empty number', { text_stats: { '': 'x' } }, '"text_stats." must have a text number as its name.'],
    [
      'a number out of range',
      { text_stats: { 4294967296: 'x' } },
      '"text_stats.4294967296" must have a text number as its name.',
    ],
    ['a negative number', { text_stats: { '-1': 'x' } }, '"text_stats.-1" must have a text number as its name.'],
  ])('rejects %s with a 400 that names the field', async (_, json, message) => {
    const answer = await post(json)
    expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
  })
})
