import type { KomEvent } from 'komgate/client'
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/web/reader/messages/message.ts'
import { Messages } from '../../src/web/reader/messages/messages.ts'
import { Activity } from '../../src/web/reader/reading/activity.ts'

const OWN = { pers_no: 6, pers_name: 'Alice' }
const BOB = { conf_no: 7, name: 'Bob' }

/** The messages of two tabs. */
class Store {
  readonly isForDevice = true
  messages: Message[] = []
  readonly listeners = new Set<() => void>()
  read = () => this.messages
  onChange = (listener: () => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }
  change(_held: readonly Message[], make: (messages: readonly Message[]) => readonly Message[]): Message[] {
    this.messages = [...make(this.messages)]
    for (const listener of this.listeners) listener()
    return this.messages
  }
}

function tab(store = new Store(), send: () => Promise<void> = () => Promise.resolve()) {
  const names = {
    of: (conf_no: number) => (conf_no === 7 ? Promise.resolve(BOB) : Promise.reject(new Error('hidden'))),
  }
  const messages = new Messages({ kom: { messages: { send } }, names, person: OWN }, store)
  const event = (id: string, sender: number, recipient: number, message: string | { latin1: string }) =>
    messages.onEvent({ type: 'send-message', id, sender, recipient, message } as KomEvent)
  const brief = () => messages.list.value.map(({ sender, recipient, text }) => [sender.name, recipient?.name, text])
  return { messages, event, brief, store }
}

describe('messages', () => {
  it('are received with names, and are unseen until the person has seen them', async () => {
    const { messages, event, brief } = tab()
    const received: string[] = []
    messages.onReceived(({ text }) => received.push(text))
    await event('a-1', 7, 6, 'Lunch?')
    await event('a-2', 7, 0, { latin1: 'Hej på er' })
    await event('a-3', 99, 98, 'From a hidden conference')
    expect(brief()).toEqual([
      ['Bob', 'Alice', 'Lunch?'],
      ['Bob', undefined, 'Hej på er'],
      ['#99', '#98', 'From a hidden conference'],
    ])
    expect(received).toEqual(['Lunch?', 'Hej på er', 'From a hidden conference'])
    messages.see(['a-1', 'a-2'])
    expect(messages.unseen.value.map(({ id }) => id)).toEqual(['a-3'])
  })

  it('are listed in the order in which they have come', async () => {
    const { event, brief } = tab()
    await Promise.all([event('a-1', 7, 6, 'First'), event('a-2', 7, 0, 'Second')])
    expect(brief().map(([, , text]) => text)).toEqual(['First', 'Second'])
  })

  it('are listed once in two tabs of a session, and seen in both', async () => {
    const one = tab()
    const two = tab(one.store)
    await Promise.all([one.event('a-1', 7, 6, 'Lunch?'), two.event('a-1', 7, 6, 'Lunch?')])
    expect(one.brief()).toEqual([['Bob', 'Alice', 'Lunch?']])
    two.messages.see(['a-1'])
    expect(one.messages.unseen.value).toEqual([])
  })

  it.each(['before', 'after'])(
    'that the person gets as well are listed once if the event comes %s the response',
    async (order) => {
      let answer = () => {}
      const { messages, event, brief } = tab(
        new Store(),
        () =>
          new Promise((resolve) => {
            answer = resolve
          }),
      )
      const sent = messages.send(null, 'Hello')
      if (order === 'before') await event('a-1', 6, 0, 'Hello')
      answer()
      await sent
      if (order === 'after') await event('a-1', 6, 0, 'Hello')
      expect(brief()).toEqual([['Alice', undefined, 'Hello']])
      expect(messages.unseen.value).toEqual([])
      // The same words from another device of the person are another message.
      await event('a-2', 6, 0, 'Hello')
      expect(brief()).toHaveLength(2)
    },
  )

  it('that are refused are not listed', async () => {
    const { messages, brief } = tab(new Store(), () => Promise.reject(new Error('refused')))
    await expect(messages.send(BOB, 'Hello')).rejects.toThrow('refused')
    expect(brief()).toEqual([])
  })
})

it('reports a conference once, and activity once a minute', async () => {
  const requests: string[] = []
  let confNo: number | undefined = 12
  const kom = {
    setWorkingConference: (no: number) => Promise.resolve(void requests.push(`conference ${no}`)),
    active: () => Promise.resolve(void requests.push('active')),
  }
  const activity = new Activity(kom, () => confNo)
  for (const [no, now] of [
    [12, 0],
    [12, 30_000],
    [13, 40_000],
    [undefined, 59_000],
    [13, 60_000],
  ] as const) {
    confNo = no
    await Promise.all(activity.reports(now))
  }
  expect(requests).toEqual(['conference 12', 'active', 'conference 13', 'active'])
})
