import { beforeAll, describe, expect, it } from 'vitest'
import { BatchResponses, Ticket } from '../../src/http/output/schemas/index.ts'
import { noSuchText } from './answers.ts'
import { BACKENDS } from './backends.ts'
import { type Client, onStage } from './stage.ts'

const get = (id: string, url: string) => ({ id, method: 'GET', url })
const post = (id: string, url: string, body?: unknown) => ({ id, method: 'POST', url, body })

describe.each(BACKENDS)('batches and tickets on $name', ({ start }) => {
  const stage = onStage(start)
  let alice: Client
  beforeAll(async () => {
    alice = await stage.as('alice')
  })

  async function batch(client: Client, requests: object[]) {
    const { status, json } = await client.post('/batch', { requests })
    expect([status, BatchResponses.safeParse(json).error]).toEqual([200, undefined])
    return BatchResponses.parse(json).responses
  }

  it('return what the same requests return alone', async () => {
    const { club, texts, alice: person } = stage.cast
    const urls = [
      `/texts/${texts.root}`,
      `/texts/${texts.root}/body`,
      `/textstats/${texts.comment}`,
      `/conferences/${club.no}`,
      `/persons/${person.no}/memberships/${club.no}/unread`,
      '/texts/4294967295',
    ]
    const responses = await batch(
      alice,
      urls.map((url) => get(url, url)),
    )
    for (const [i, url] of urls.entries()) {
      const { status, json, text } = await alice.get(url)
      expect(responses[i]).toMatchObject({ id: url, status, body: json ?? text })
    }
    expect(responses.at(-1)?.body).toEqual(noSuchText(4294967295))
  })

  it('read the comments of a text that the batch finds', async () => {
    const { texts } = stage.cast
    const responses = await batch(alice, [
      get('comments', '/texts/{root#/comment_in_list/0/text_no}'),
      post('stats', '/textstats', { text_nos: { $ref: 'root#/comment_in_list/*/text_no' } }),
      get('root', `/texts/${texts.root}`),
    ])
    expect(responses.map(({ status, body }) => [status, body])).toMatchObject([
      [200, { text_no: texts.comment, comment_to_list: [{ text_no: texts.root }] }],
      [200, { text_stats: { [texts.comment]: { text_no: texts.comment } } }],
      [200, { text_no: texts.root }],
    ])
  })

  it('log in, write a text, comment on it and log out', async () => {
    const client = await stage.fresh()
    const { no, passwd } = stage.cast.bob
    const { club } = stage.cast
    const text = {
      subject: 'batch',
      body: 'räv ☃',
      content_type: 'text/plain',
      recipient_list: [{ type: 'to', recpt: { conf_no: club.no } }],
    }
    const responses = await batch(client, [
      post('login', '/sessions/current/login', { pers_no: no, passwd }),
      { ...post('text', '/texts/', { ...text, comment_to_list: [] }), depends_on: ['login'] },
      post('comment', '/texts/', {
        ...text,
        comment_to_list: [{ type: 'comment', text_no: { $ref: 'text#/text_no' } }],
      }),
      get('show', '/texts/{comment#/text_no}'),
      { ...post('logout', '/sessions/current/logout'), depends_on: ['show'] },
    ])
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 200, 204])
    const created = responses[1]?.body as { text_no: number }
    expect(responses[3]?.body).toMatchObject({ body: 'räv ☃', comment_to_list: [{ text_no: created.text_no }] })
  })

  it('open the body of a text once by a ticket', async () => {
    const { json } = await alice.post('/sessions/current/tickets')
    const { ticket } = Ticket.parse(json)
    const path = `/texts/${stage.cast.texts.root}/body`
    const byTicket = async () => (await stage.send('GET', `${path}?ticket=${ticket}`)).text
    expect(await byTicket()).toBe((await alice.get(path)).text)
    expect(await byTicket()).toContain('The ticket is unknown')
  })
})
