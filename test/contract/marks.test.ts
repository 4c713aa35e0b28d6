import { describe, expect, it } from 'vitest'
import { gatewayError, NOWHERE, noSuchText, notWhole, protocolError, textZero } from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

const notMarked = (no: number) => protocolError(44, 'NotMarked', no)

describe.each(BACKENDS)('marks on $name', ({ start }) => {
  const stage = onStage(start)
  const mark = async (no: number, type: unknown) => (await stage.as('bob')).put(`/texts/${no}/mark`, { type })
  const unmark = async (no: number) => (await stage.as('bob')).delete(`/texts/${no}/mark`)
  const marks = async () => (await (await stage.as('bob')).get('/texts/marks/')).json

  it('creates, changes, lists and deletes marks', async () => {
    const { root, comment } = stage.cast.texts
    expect(await marks()).toEqual({ marks: [] })
    const made = await mark(root, 100)
    expect([made.status, made.text, made.headers.get('content-type')]).toEqual([201, '', null])
    expect((await mark(comment, 255)).status).toBe(201)
    expect(await marks()).toEqual({
      marks: [
        { text_no: root, type: 100 },
        { text_no: comment, type: 255 },
      ],
    })
    expect((await mark(root, 0)).status).toBe(201)
    expect((await mark(root, '7')).status).toBe(201)
    expect(await marks()).toEqual({ marks: expect.arrayContaining([{ text_no: root, type: 7 }]) })
    const taken = await unmark(root)
    expect([taken.status, taken.text, taken.headers.get('content-type')]).toEqual([204, '', null])
    expect((await unmark(comment)).status).toBe(204)
    expect(await marks()).toEqual({ marks: [] })
  })

  it('keeps marks separate for each person and counts the marks of all persons', async () => {
    const { comment } = stage.cast.texts
    const [alice, bob] = [await stage.as('alice'), await stage.as('bob')]
    const count = async () => (await bob.get(`/texts/${comment}`)).json.no_of_marks
    expect(await count()).toBe(0)
    await alice.put(`/texts/${comment}/mark`, { type: 1 })
    await alice.put(`/texts/${comment}/mark`, { type: 2 })
    expect([await count(), await marks()]).toEqual([1, { marks: [] }])
    await mark(comment, 1)
    expect(await count()).toBe(2)
    await unmark(comment)
    await alice.delete(`/texts/${comment}/mark`)
    expect(await count()).toBe(0)
  })

  it('rejects a mark on an unknown or unreadable text with 404, and on number 0 with 400', async () => {
    const { secret, deleted } = stage.cast.texts
    for (const no of [NOWHERE, secret, deleted]) {
      const answer = await mark(no, 1)
      expect([answer.status, answer.json]).toEqual([404, noSuchText(no)])
    }
    const zero = await mark(0, 1)
    expect([zero.status, zero.json]).toEqual([400, textZero])
  })

  it('rejects the deletion of a missing mark with 400', async () => {
    for (const no of [stage.cast.texts.root, NOWHERE, 0]) {
      const answer = await unmark(no)
      expect([answer.status, answer.json]).toEqual([400, notMarked(no)])
    }
  })

  it('keeps marks of a deleted text until they are deleted', async () => {
    const author = await stage.author('alice')
    const no = await author.write({ text: 's\nb', to: [stage.cast.club.no] })
    await mark(no, 5)
    await author.delete(no)
    expect(await marks()).toEqual({ marks: [{ text_no: no, type: 5 }] })
    expect((await unmark(no)).status).toBe(204)
    expect(await marks()).toEqual({ marks: [] })
  })

  it.each(notWhole('type', 255))('rejects the mark type %j with a 400 that names the field', async (type, message) => {
    const answer = await mark(stage.cast.texts.root, type)
    expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
  })

  it.each([
    [[], 'Missing "type".'],
    [null, 'Invalid body.'],
    [undefined, 'Invalid body.'],
  ])('rejects the body %j with 400', async (json, message) => {
    const answer = await (await stage.as('bob')).put(`/texts/${stage.cast.texts.root}/mark`, json)
    expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
  })
})
