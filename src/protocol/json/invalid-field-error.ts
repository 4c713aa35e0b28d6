import { KomgateError } from '../komgate-error.ts'

declare module '../komgate-error.ts' {
  interface ErrorCodes extends Record<InvalidFieldError['code'], InvalidFieldError> {}
}

/** Returns the quoted path of the invalid field, or of a member of it: `"misc_info.0"`, `"misc_info.0.value"`. */
type FieldQuote = (member?: string) => string

/** A JSON value that does not fit its type. The message is a sentence that names the field by its path. */
export class InvalidFieldError extends KomgateError {
  readonly code = 'invalid-field'
  /** from the outermost to the innermost; each mapping adds its field while it rethrows */
  readonly #path: string[] = []
  readonly #sentence: (field: FieldQuote) => string

  /** @param sentence returns the message */
  constructor(sentence: (field: FieldQuote) => string) {
    super('')
    this.#sentence = sentence
    this.#compose()
  }

  /** Prepends a field to the path, and returns the error. */
  within(field: string): this {
    this.#path.unshift(field)
    this.#compose()
    return this
  }

  #compose(): void {
    this.message = this.#sentence((...member) => {
      const path = [...this.#path, ...member]
      return path.length === 0 ? 'The value' : `"${path.join('.')}"`
    })
  }
}

/** Creates an error about a value of the wrong type or range. @param predicate `must be …` */
export function invalid(predicate: string): InvalidFieldError {
  return new InvalidFieldError((field) => `${field()} ${predicate}`)
}
