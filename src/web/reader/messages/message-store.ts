import { readStored, type StorageArea, writeStored } from '../../shared/stored.ts'
import type { Message, MessageList } from './message.ts'

/** The most messages of a person that are kept. */
const MAX_MESSAGES = 100

/**
 * The messages of a person on this device: those of the tab, or, when the person stays logged in, those of all tabs.
 * LysKOM does not keep messages.
 */
export class MessageStore implements MessageList {
  readonly #storage: StorageArea
  readonly #key: string

  constructor(server: string, persNo: number, storage: StorageArea) {
    this.#storage = storage
    this.#key = `komgate.messages.${server}.${persNo}`
  }

  get isForDevice(): boolean {
    return this.#storage === 'localStorage'
  }

  read(): Message[] {
    return readStored<Message[]>(this.#storage, this.#key) ?? []
  }

  change(held: readonly Message[], make: (messages: readonly Message[]) => readonly Message[]): Message[] {
    const stored = this.read()
    const isStored = stored.length > 0 || held.length === 0
    const next = [...make(isStored ? stored : held)].slice(-MAX_MESSAGES)
    writeStored(this.#storage, this.#key, next.length === 0 ? undefined : next)
    return next
  }

  onChange(listener: () => void): () => void {
    const onStorage = ({ key, storageArea }: StorageEvent): void => {
      if (key === this.#key && storageArea === window[this.#storage]) listener()
    }
    addEventListener('storage', onStorage)
    return () => removeEventListener('storage', onStorage)
  }
}
