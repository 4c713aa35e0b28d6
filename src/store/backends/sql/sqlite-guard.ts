import { DiskReserve } from './reserve.ts'
import { codeOf, FULL, FullError } from './sqlite-faults.ts'

const PAGE_BYTES = 4096
/** Maximum size of the write-ahead log before SQLite checkpoints it, pages; 1000 is SQLite's default. */
const MAX_LOG_PAGES = 1000
/** The same size on a small disk, pages. */
const MIN_LOG_PAGES = 8
/** Maximum size of a record, bytes. */
const MAX_RECORD_BYTES = 65_536

/** The part of a database of `node:sqlite` that the guard uses. */
interface Database {
  exec(text: string): void
  prepare(text: string): { all(): unknown[] }
}

/**
 * Runs a statement that writes, and retries it after freeing space if the disk is full.
 * @param isDelete whether the statement deletes rows, which is possible on a full disk too
 * @param work runs the statement
 * @throws the error of `work`; an error with the code `FULL` if the disk stays full
 */
export type Guard = <T>(isDelete: boolean, work: () => T) => T

/** Runs a statement without a guard: one that reads, or on a database in memory. */
export const runUnguarded: Guard = (_, work) => work()

/**
 * Returns a guard that keeps deletes possible on a full disk. Writes go to the write-ahead log. If the disk is so full
 * that the log cannot be checkpointed into the database file, the guard removes the reserve file. The reserve is four
 * times the maximum size of the log, which grows to less than twice that size before the disk is full.
 * @param path path of the database file; the reserve file is next to it
 */
export function guardOf(database: Database, path: string): Guard {
  const reserve = new DiskReserve(`${path}-reserve`)
  const pages = Math.floor(reserve.bytes / 4 / PAGE_BYTES)
  database.exec(`pragma wal_autocheckpoint = ${Math.min(Math.max(pages, MIN_LOG_PAGES), MAX_LOG_PAGES)}`)

  const free = database.prepare('pragma freelist_count')

  /** Checkpoints the log into the database file. Returns false if that fails, for example on a full disk. */
  function checkpoint(): boolean {
    try {
      database.exec('pragma wal_checkpoint(truncate)')
      return true
    } catch {
      return false
    }
  }

  function releaseReserve(): void {
    reserve.release()
    checkpoint()
  }

  /** Runs a statement again after it failed on a full disk. */
  function retry<T>(isDelete: boolean, work: () => T): T {
    if (!checkpoint()) releaseReserve()
    if (!isDelete && !reserve.create()) throw new FullError()
    try {
      return work()
    } catch (error) {
      if (codeOf(error) !== FULL || !(isDelete || hasFreePages())) throw error
      releaseReserve()
      try {
        return work()
      } finally {
        checkpoint()
      }
    }
  }

  /** Returns whether a record fits into free pages of the database file. */
  function hasFreePages(): boolean {
    const [row] = free.all() as { freelist_count: number }[]
    return row !== undefined && row.freelist_count * PAGE_BYTES > 4 * MAX_RECORD_BYTES
  }

  return (isDelete, work) => {
    if (!isDelete && !reserve.create() && !(checkpoint() && reserve.create())) throw new FullError()
    try {
      return work()
    } catch (error) {
      if (codeOf(error) !== FULL) throw error
      return retry(isDelete, work)
    } finally {
      reserve.create()
    }
  }
}
