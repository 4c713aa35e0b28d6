import { readStored, writeStored } from '../../shared/stored.ts'

/** A presentation that is being written. It is kept on the device until it is saved or dropped. */
export interface PresentationDraft {
  body: string
  /** whether an attempt to save it may have written it */
  isAttempted: boolean
}

/** Where the draft of a presentation is kept. */
export class KeptPresentation {
  readonly #key: string

  /**
   * @param persNo the person who writes it
   * @param confNo the conference or person whose presentation it is
   */
  constructor(server: string, persNo: number, confNo: number) {
    this.#key = `komgate.presentation.${server}.${persNo}.${confNo}`
  }

  /** Returns the draft, undefined if there is none. */
  get(): PresentationDraft | undefined {
    return readStored('localStorage', this.#key)
  }

  /** Keeps the draft. */
  set(draft: PresentationDraft): void {
    writeStored('localStorage', this.#key, draft)
  }

  /** Drops the draft. */
  remove(): void {
    writeStored('localStorage', this.#key, undefined)
  }
}
