import { MongoServerError } from 'mongodb'
import type { Query } from '../../src/store/backends/mongodb/port.ts'

/** Returns the value of a path such as `a.b.c` in a document; undefined if there is none. */
export function valueAt(document: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (isPlain(value) ? value[name] : undefined), document)
}

/** Sets the value of a path. Throws a `MongoServerError` if its parent is not a document. */
export function setPath(document: Query, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop() ?? ''
  const parent = names.reduce<unknown>((parent, name) => (isPlain(parent) ? parent[name] : undefined), document)
  if (!isPlain(parent)) throw new MongoServerError({ message: `no parent of ${path}`, code: 28 })
  parent[last] = value
}

/** Reports whether a document matches a filter. Throws a `MongoServerError` for an operator that is not supported. */
export function isMatch(document: Query, filter: Query): boolean {
  return Object.entries(filter).every(([name, condition]) => {
    if (name === '$or') return (condition as Query[]).some((one) => isMatch(document, one))
    if (name.startsWith('$')) throw unknownOperator(name)
    const value = valueAt(document, name)
    if (!isPlain(condition)) return isEqual(value, condition)
    return Object.entries(condition).every(([operator, operand]) => compare(operator, value, operand))
  })
}

/** Evaluates an aggregation expression on a document. Throws a `MongoServerError` for an unsupported operator. */
export function evaluate(document: Query, expression: unknown): unknown {
  if (typeof expression === 'string' && expression.startsWith('$')) return valueAt(document, expression.slice(1))
  if (!isPlain(expression)) return expression
  const [[operator, given] = ['', undefined]] = Object.entries(expression)
  if (operator === '$literal') return given
  const operands = (given as unknown[]).map((operand) => evaluate(document, operand))
  const there = operands.filter((operand) => operand !== null && operand !== undefined)
  if (operator === '$add') return there.length < operands.length ? null : sumOf(there)
  // $min and $max ignore missing values.
  if (operator === '$min') return there.length === 0 ? null : Math.min(...there.map(Number))
  if (operator === '$max') return there.length === 0 ? null : Math.max(...there.map(Number))
  throw unknownOperator(operator)
}

function sumOf(operands: unknown[]): unknown {
  const dates = operands.filter((operand) => operand instanceof Date)
  if (dates.length > 1)
    throw new MongoServerError({ message: 'only one date allowed in an $add expression', code: 16_612 })
  const sum = operands.reduce<number>((total, operand) => total + Number(operand), 0)
  return dates.length === 1 ? new Date(sum) : sum
}

/** Compares two values. Returns false for values of different types. */
function compare(operator: string, value: unknown, operand: unknown): boolean {
  if (operator === '$ne') return !isEqual(value, operand)
  const [a, b] = [value, operand].map((one) => (one instanceof Date ? one.getTime() : one))
  if (typeof a !== 'number' || typeof b !== 'number') return false
  if (value instanceof Date !== operand instanceof Date) return false
  if (operator === '$gt') return a > b
  if (operator === '$gte') return a >= b
  if (operator === '$lte') return a <= b
  throw unknownOperator(operator)
}

/** Compares two values. A missing value equals null. */
function isEqual(value: unknown, wanted: unknown): boolean {
  if (wanted === null) return value === null || value === undefined
  return value === wanted
}

function isPlain(value: unknown): value is Query {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !Array.isArray(value)
}

function unknownOperator(name: string): MongoServerError {
  return new MongoServerError({ message: `unknown operator: ${name}`, code: 2 })
}
