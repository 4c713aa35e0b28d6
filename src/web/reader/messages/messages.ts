import { computed, type ReadonlySignal, signal } from '@preact/signals'
import type { ConferenceName, Kom, KomEvent, Person } from 'komgate/client'
import type { Names } from '../reading/names.ts'
import type { Message, MessageList } from './message.ts'

/** How long after the response the event of a message may come. */
const ECHO_MS = 10_000

/** A message of this page, until its event has come or it is certain that none comes. */
interface Sending {
  recipient: number
  text: string
  /** the message in the list; undefined until the gateway has taken it */
  id: string | undefined
  /** whether its event has come */
  isEchoed: boolean
}

/** What `Messages` needs of the reader. */
export interface MessageSource {
  kom: { messages: Pick<Kom['messages'], 'send'> }
  names: Pick<Names, 'of'>
  person: Person
}

/** The messages that the person has sent and received on this device. */
export class Messages {
  /** all messages, the oldest first */
  readonly list: ReadonlySignal<readonly Message[]>
  /** the received messages that the person has not seen */
  readonly unseen: ReadonlySignal<readonly Message[]>
  readonly #source: MessageSource
  readonly #store: MessageList
  readonly #list
  readonly #sending = new Set<Sending>()
  readonly #listeners = new Set<(message: Message) => void>()
  readonly #stop: () => void
  #count = 0
  /** Settles when the last event is in the list. */
  #last: Promise<void> = Promise.resolve()

  constructor(source: MessageSource, store: MessageList) {
    this.#source = source
    this.#store = store
    const list = signal<readonly Message[]>(store.read())
    this.#list = list
    this.list = list
    this.unseen = computed(() => list.value.filter(({ isSeen }) => !isSeen))
    this.#stop = store.onChange(() => {
      list.value = store.read()
    })
  }

  /** Whether the messages are kept when the browser is closed. */
  get isForDevice(): boolean {
    return this.#store.isForDevice
  }

  /** Calls a function with each message that is received, until the returned function is called. */
  onReceived(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Takes a message from an event. Resolves when it is in the list. */
  onEvent(event: KomEvent): Promise<void> {
    if (event.type !== 'send-message') return Promise.resolve()
    // A name that is not known yet must not change the order.
    this.#last = this.#last.then(() => this.#take(event))
    return this.#last
  }

  async #take(event: KomEvent<'send-message'>): Promise<void> {
    const { id, sender, recipient, message } = event
    const text = typeof message === 'string' ? message : message.latin1
    const own = this.#echoOf(sender, recipient, text)
    const isOwn = sender === this.#source.person.pers_no
    const received: Message = {
      id,
      time: new Date().toISOString(),
      sender: await this.#nameOf(sender),
      recipient: recipient === 0 ? null : await this.#nameOf(recipient),
      text,
      isSeen: isOwn,
    }
    // Several tabs of a session have the same events.
    const isKnown = this.list.peek().some((each) => each.id === id)
    this.#change((messages) => {
      const others = messages.filter((each) => each.id !== own?.id)
      return others.some((each) => each.id === id) ? others : [...others, received]
    })
    if (!isOwn && !isKnown) for (const listener of this.#listeners) listener(received)
  }

  /** Sends a message. @param recipient null for everyone @throws the errors of `kom.messages.send` */
  async send(recipient: ConferenceName | null, text: string): Promise<void> {
    const sending: Sending = { recipient: recipient?.conf_no ?? 0, text, id: undefined, isEchoed: false }
    this.#sending.add(sending)
    try {
      await this.#source.kom.messages.send(sending.recipient, text)
    } catch (error) {
      this.#sending.delete(sending)
      throw error
    }
    // The person is one of the recipients, and the event has come first.
    if (sending.isEchoed) return
    const { pers_no, pers_name } = this.#source.person
    const time = new Date().toISOString()
    const id = `${time} ${++this.#count}`
    sending.id = id
    const sender = { conf_no: pers_no, name: pers_name }
    setTimeout(() => this.#sending.delete(sending), ECHO_MS)
    this.#change((messages) => [...messages, { id, time, sender, recipient, text, isSeen: true }])
  }

  /** Marks received messages as seen. */
  see(ids: readonly string[]): void {
    if (!this.unseen.peek().some(({ id }) => ids.includes(id))) return
    this.#change((messages) =>
      messages.map((message) => (ids.includes(message.id) ? { ...message, isSeen: true } : message)),
    )
  }

  /** Forgets all messages. */
  clear(): void {
    this.#change(() => [])
  }

  /** Ends following other tabs. */
  close(): void {
    this.#stop()
    this.#listeners.clear()
  }

  /** Returns the message of this page whose event has come. */
  #echoOf(sender: number, recipient: number, text: string): Sending | undefined {
    if (sender !== this.#source.person.pers_no) return undefined
    for (const sending of this.#sending) {
      if (sending.recipient !== recipient || sending.text !== text) continue
      this.#sending.delete(sending)
      sending.isEchoed = true
      return sending
    }
    return undefined
  }

  async #nameOf(confNo: number): Promise<ConferenceName> {
    const { names, person } = this.#source
    if (confNo === person.pers_no) return { conf_no: confNo, name: person.pers_name }
    // The message is shown, even if the name cannot be had.
    return await names.of(confNo).catch(() => ({ conf_no: confNo, name: `#${confNo}` }))
  }

  #change(make: (messages: readonly Message[]) => readonly Message[]): void {
    this.#list.value = this.#store.change(this.list.peek(), make)
  }
}
