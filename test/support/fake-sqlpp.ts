import type { CouchbaseDocument } from '../../src/store/backends/couchbase/port.ts'

/**
 * Runs a query in the subset of SQL++ that session lists use: `SELECT RAW <path or COUNT(DISTINCT path)> FROM <bucket>
 * AS s [USE KEYS $ids] WHERE <conditions> [ORDER BY path DESC] [LIMIT $n]`.
 *
 * @param parameters values of the `$` parameters, by name without `$`
 * @throws Error `ParsingFailureError` for any other statement
 */
export function select(
  statement: string,
  bucket: string,
  documents: readonly unknown[],
  parameters: Readonly<Record<string, unknown>>,
): unknown[] {
  const query = new Reader(statement, parameters)
  query.expect('SELECT', 'RAW')
  const counted = query.take('COUNT')
  if (counted) query.expect('(', 'DISTINCT')
  const path = query.path()
  if (counted) query.expect(')')
  query.expect('FROM', `\`${bucket}\``, 'AS', 's')
  const ids = query.take('USE') ? query.keys() : undefined
  query.expect('WHERE')
  const condition = query.condition()
  let rows = documents.filter((document) => condition(document) === true && ids?.includes(idOf(document)) !== false)
  if (query.take('ORDER')) {
    query.expect('BY')
    const by = query.path()
    query.expect('DESC')
    rows = rows.toSorted((a, b) => Number(by(b)) - Number(by(a)))
  }
  if (query.take('LIMIT')) rows = rows.slice(0, Number(query.operand()(undefined)))
  query.expect(undefined)
  const values = rows.map(path)
  return counted ? [new Set(values.filter((value) => value !== null && value !== undefined)).size] : values
}

function idOf(document: unknown): string {
  const { ns, key } = (document as CouchbaseDocument).record
  return ns + key
}

type Expression = (document: unknown) => unknown

const TOKEN = /\s*(`[^`]*`|\$\w+|\w+|>=|!=|[().=>])/y

class Reader {
  readonly #tokens: string[] = []
  readonly #parameters: Readonly<Record<string, unknown>>

  constructor(statement: string, parameters: Readonly<Record<string, unknown>>) {
    this.#parameters = parameters
    const pattern = new RegExp(TOKEN)
    while (pattern.lastIndex < statement.length) {
      const at = pattern.lastIndex
      const token = pattern.exec(statement)?.[1]
      if (token === undefined) throw syntaxError(statement.slice(at))
      this.#tokens.push(token)
    }
  }

  take(token: string): boolean {
    if (this.#tokens[0] !== token) return false
    this.#tokens.shift()
    return true
  }

  expect(...tokens: (string | undefined)[]): void {
    for (const token of tokens) {
      if (this.#tokens.shift() !== token) throw syntaxError(`expected ${token}`)
    }
  }

  /** Returns the ids of the documents in USE KEYS. */
  keys(): readonly unknown[] {
    this.expect('KEYS')
    return this.operand()(undefined) as readonly unknown[]
  }

  /** Parses conditions joined by AND; each may be a parenthesized group joined by OR. */
  condition(joint: 'AND' | 'OR' = 'AND'): Expression {
    const parts = [this.#comparison()]
    while (this.take(joint)) parts.push(this.#comparison())
    if (joint === 'AND') return (document) => parts.every((part) => part(document) === true)
    return (document) => parts.some((part) => part(document) === true)
  }

  path(): Expression {
    this.expect('s')
    const names: string[] = []
    while (this.take('.')) {
      const name = this.#tokens.shift() ?? ''
      // Some names are reserved words, so all must be in backquotes.
      if (!/^`\w+`$/.test(name)) throw syntaxError(name)
      names.push(name.slice(1, -1))
    }
    return (document) => names.reduce<unknown>((value, name) => (value as Record<string, unknown>)?.[name], document)
  }

  operand(): Expression {
    const name = this.#tokens.shift() ?? ''
    const value = this.#parameters[name.slice(1)]
    if (!name.startsWith('$') || value === undefined) throw syntaxError(`no value for ${name}`)
    return () => value
  }

  #comparison(): Expression {
    if (this.take('(')) {
      const inner = this.condition('OR')
      this.expect(')')
      return inner
    }
    const path = this.path()
    if (this.take('IS')) {
      this.expect('NULL')
      return (document) => path(document) === null
    }
    const operator = this.#tokens.shift()
    const operand = this.operand()
    return (document) => compare(path(document), operator, operand(document))
  }
}

/** Compares two values. Returns null if one is null or missing, and false for an order of different types. */
function compare(a: unknown, operator: string | undefined, b: unknown): boolean | null {
  if (a === null || a === undefined || b === null || b === undefined) return null
  if (operator === '=') return a === b
  if (operator === '!=') return a !== b
  if (typeof a !== 'number' || typeof b !== 'number') return false
  if (operator === '>') return a > b
  if (operator === '>=') return a >= b
  throw syntaxError(`${operator}`)
}

function syntaxError(at: string): Error {
  return Object.assign(new Error(`syntax error at ${at}`), { name: 'ParsingFailureError' })
}
