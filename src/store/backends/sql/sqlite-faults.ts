import type { Fault } from './kind.ts'

/** SQLITE_BUSY and SQLITE_LOCKED: another connection holds a lock. */
const BUSY = 5
const LOCKED = 6
/** SQLITE_FULL: the disk is full. */
export const FULL = 13
/** SQLITE_READONLY, SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_CANTOPEN, SQLITE_NOTADB */
const UNUSABLE = [8, 10, 11, 14, 26]

/** The error of SQLite for a full disk, thrown if the reserve file cannot be created. */
export class FullError extends Error {
  override readonly name = 'FullError'
  /** result code, as in errors of `node:sqlite` */
  readonly errcode = FULL

  constructor() {
    super('database or disk is full')
  }
}

/** Returns the primary result code of an SQLite error; undefined for other errors. */
export function codeOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown }
  // The higher bits are the extended result code.
  return typeof errcode === 'number' ? errcode & 0xff : undefined
}

/** Classifies an SQLite error. */
export function faultOf(error: unknown): Fault {
  const code = codeOf(error)
  if (code === undefined) return 'other'
  if (code === FULL) return 'full'
  if (code === BUSY || code === LOCKED) return 'conflict'
  return UNUSABLE.includes(code) ? 'busy' : 'other'
}
