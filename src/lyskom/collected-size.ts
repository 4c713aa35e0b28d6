import type { Connection } from '../connection/connection.ts'
import { BOUNDS, type Bound } from '../protocol/bounds.ts'
import { ProtocolError } from '../protocol/errors.ts'

/**
 * Bounds what one operation collects from many replies, as `BOUNDS.elements` and `BOUNDS.strings` bound one reply: a
 * server can send 65,535 names of 1 kB in as many replies, which would make a JSON response of 400 MB.
 */
export class CollectedSize {
  readonly #connection: Connection
  #elements = 0
  #bytes = 0

  /** @param connection reports the bound to its observer */
  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Adds array elements and strings, in bytes.
   *
   * @throws ProtocolError `over-bound` if there are too many in all
   */
  add(elements: number, bytes: number): void {
    this.#elements += elements
    this.#bytes += bytes
    if (this.#elements > BOUNDS.elements.max) this.#over(BOUNDS.elements)
    if (this.#bytes > BOUNDS.strings.max) this.#over(BOUNDS.strings)
  }

  #over({ name, max }: Bound): never {
    this.#connection.boundHit(name)
    throw new ProtocolError('over-bound', `the replies to one request are over the bound of ${max} (${name})`, name)
  }
}
