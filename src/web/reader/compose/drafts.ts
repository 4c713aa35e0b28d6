import { type ReadonlySignal, signal } from '@preact/signals'
import type { ConferenceName } from 'komgate/client'
import { readStored, writeStored } from '../../shared/stored.ts'
import { forgetImage } from './image-store.ts'
import { newId } from './new-id.ts'
import { keyOf, type Target, targetOf } from './target.ts'

/** A recipient of a text, and whether it is one of a copy or a blind copy. */
export interface Recipient extends ConferenceName {
  type: 'to' | 'cc' | 'bcc'
}

/** An image of a draft. Its bytes are in the image store. */
export interface DraftImage {
  id: string
  /** the subject of its text, which stands for the image where it is not shown */
  name: string
  /** content type */
  type: string
  /** size in bytes */
  size: number
  /** size of the file, if the image had to be reduced */
  originalSize?: number
  /** whether it may have been sent, because the answer of the gateway did not arrive */
  isAttempted?: boolean
  /** the number of its text once it has been sent */
  textNo?: number
}

/** An attempt to write a text, of which the answer of the gateway did not arrive. */
export interface Attempt {
  subject: string
  body: string
  /** the number of the newest text of the person before the attempt */
  after: number
}

/** An unfinished text, which is kept on the device. */
export interface Draft {
  /** identifies it among all drafts of the browser once it is kept */
  id?: string
  subject: string
  body: string
  /** undefined while they are those that the reader proposes */
  recipients?: readonly Recipient[]
  images: readonly DraftImage[]
  attempt?: Attempt
  /** the number of the text once it has been sent, while images of it have not */
  textNo?: number
}

/** The unfinished texts of a person. They are kept in the browser, and are the same in all its windows. */
export class Drafts {
  readonly #prefix: string
  readonly #drafts = signal<ReadonlyMap<string, Draft>>(new Map())
  readonly #isStored = signal(true)
  readonly #removed = signal<string | undefined>(undefined)

  constructor(server: string, persNo: number) {
    this.#prefix = `komgate.draft.${server}.${persNo}.`
    this.#drafts.value = new Map(
      storedKeys(this.#prefix).flatMap((key) => {
        const draft = this.#read(key)
        return draft === undefined ? [] : [[key, draft] as const]
      }),
    )
    globalThis.addEventListener?.('storage', this.#onStorage)
  }

  /** The drafts by the keys of their targets. */
  get all(): ReadonlySignal<ReadonlyMap<string, Draft>> {
    return this.#drafts
  }

  /** Whether the browser keeps the draft that was changed last. */
  get isStored(): ReadonlySignal<boolean> {
    return this.#isStored
  }

  /** The key of the draft that another window of the browser has removed last. */
  get removedElsewhere(): ReadonlySignal<string | undefined> {
    return this.#removed
  }

  /** Identifies the draft of a target among all drafts of the browser. */
  idOf(target: Target): string {
    return this.#prefix + keyOf(target)
  }

  /** Returns the draft of a target. */
  get(target: Target): Draft | undefined {
    return this.#drafts.value.get(keyOf(target))
  }

  /** Returns the draft of a target as all windows of the browser have it. */
  reload(target: Target): Draft | undefined {
    const key = keyOf(target)
    if (this.#isStored.peek()) this.#put(key, this.#read(key))
    return this.#drafts.peek().get(key)
  }

  /** Keeps the draft of a target. */
  set(target: Target, changed: Draft): void {
    const key = keyOf(target)
    const draft = { ...changed, id: changed.id ?? this.#drafts.peek().get(key)?.id ?? newId() }
    this.#put(key, draft)
    if (this.#removed.peek() === key) this.#removed.value = undefined
    this.#isStored.value = writeStored('localStorage', this.#prefix + key, draft)
  }

  /** Removes the draft of a target, and its images. */
  remove(target: Target): void {
    const key = keyOf(target)
    for (const { id } of this.#drafts.peek().get(key)?.images ?? []) forgetImage(id)
    writeStored('localStorage', this.#prefix + key, undefined)
    this.#put(key, undefined)
  }

  /** Makes the draft of a target that of another one. */
  move(from: Target, to: Target, draft: Draft): void {
    this.set(to, draft)
    writeStored('localStorage', this.#prefix + keyOf(from), undefined)
    this.#put(keyOf(from), undefined)
  }

  /** Stops following the other windows of the browser. */
  close(): void {
    globalThis.removeEventListener?.('storage', this.#onStorage)
  }

  #read(key: string): Draft | undefined {
    const draft = readStored<Draft>('localStorage', this.#prefix + key)
    return typeof draft?.body === 'string' && Array.isArray(draft.images) ? draft : undefined
  }

  #put(key: string, draft: Draft | undefined): void {
    const next = new Map(this.#drafts.peek())
    if (draft === undefined) next.delete(key)
    else next.set(key, draft)
    this.#drafts.value = next
  }

  readonly #onStorage = ({ key: stored }: StorageEvent): void => {
    if (!stored?.startsWith(this.#prefix)) return
    const key = stored.slice(this.#prefix.length)
    if (targetOf(key) === undefined) return
    const draft = this.#read(key)
    if (draft === undefined && this.#drafts.peek().has(key)) this.#removed.value = key
    this.#put(key, draft)
  }
}

/** Returns the keys of the stored drafts with a prefix, without it. */
function storedKeys(prefix: string): string[] {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
      .filter((key) => targetOf(key) !== undefined)
  } catch {
    return []
  }
}
