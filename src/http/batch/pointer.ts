/** A JSON Pointer (RFC 6901): its reference tokens, without their escapes. */
export type Pointer = readonly string[]

/** The reference token that applies the rest of the pointer to each element of an array (RFC 8620, 3.7). */
const EACH = '*'
const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/
const INDEX = /^(?:0|[1-9]\d{0,9})$/

/** Parses a JSON Pointer. Returns undefined for text that is none. */
export function parsePointer(text: string): Pointer | undefined {
  if (!POINTER.test(text)) return undefined
  return text
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Counts the steps of pointers: a pointer with `*` takes a step for each element, so a few can take millions. */
export class Steps {
  #left: number

  /** @param max the number of steps allowed */
  constructor(max: number) {
    this.#left = max
  }

  /** Whether more steps were taken than allowed. */
  get isExhausted(): boolean {
    return this.#left < 0
  }

  /** Takes a number of steps. Returns whether they are allowed. */
  take(n: number): boolean {
    this.#left -= n
    return !this.isExhausted
  }
}

/**
 * Returns the value that a pointer selects; undefined if there is none, or if the steps are exhausted. On an array, `*`
 * maps the rest of the pointer over the elements, and elements that are arrays themselves are flattened by one level. It
 * selects nothing if the rest selects nothing in one of the elements.
 *
 * @param value a value from JSON
 */
export function select(value: unknown, pointer: Pointer, steps: Steps): unknown {
  let current = value
  for (const [i, token] of pointer.entries()) {
    if (!steps.take(1)) return undefined
    if (Array.isArray(current) && token === EACH) return selectEach(current, pointer.slice(i + 1), steps)
    current = member(current, token)
    if (current === undefined) return undefined
  }
  return current
}

function selectEach(elements: readonly unknown[], rest: Pointer, steps: Steps): unknown {
  const selected: unknown[] = []
  for (const element of elements) {
    const each = select(element, rest, steps)
    const length = Array.isArray(each) ? each.length : 1
    if (each === undefined || !steps.take(length)) return undefined
    if (Array.isArray(each)) for (const inner of each) selected.push(inner)
    else selected.push(each)
  }
  return selected
}

function member(value: unknown, token: string): unknown {
  if (Array.isArray(value)) return INDEX.test(token) ? value[Number(token)] : undefined
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) return undefined
  return (value as Record<string, unknown>)[token]
}
