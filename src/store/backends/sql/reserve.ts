import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const MAX_BYTES = 16 * 1024 * 1024
/** Divisor of the free space: on a small disk the reserve takes a quarter. */
const PART = 4
const DISK_FULL = ['ENOSPC', 'EDQUOT']

/**
 * A file that reserves disk space. SQLite needs space even to delete. When the disk is full, the file is removed to
 * make room, and only deletes are allowed until it can be created again.
 */
export class DiskReserve {
  /** size of the file, bytes; 0 if it cannot be created for another reason than lack of space */
  readonly bytes: number
  readonly #path: string
  #exists = false

  /** Creates the file. */
  constructor(path: string) {
    this.#path = path
    this.bytes = sizeOf(path) || Math.min(MAX_BYTES, Math.floor(freeBytes(path) / PART))
    this.create()
  }

  /** Creates the file if it is missing. Returns false if the disk is too full. */
  create(): boolean {
    this.#exists ||= sizeOf(this.#path) === this.bytes || this.#write()
    return this.#exists
  }

  /** Removes the file to free its space. */
  release(): void {
    this.#exists = false
    rmSync(this.#path, { force: true })
  }

  #write(): boolean {
    if (freeBytes(this.#path) < this.bytes) return false
    // Random data, so that a compressing file system stores all of it.
    const block = randomBytes(Math.min(this.bytes, 1024 * 1024))
    try {
      const file = openSync(this.#path, 'w', 0o600)
      try {
        for (let left = this.bytes; left > 0; ) left -= writeSync(file, block, 0, Math.min(left, block.length))
      } finally {
        closeSync(file)
      }
      return true
    } catch (error) {
      if (!DISK_FULL.includes((error as NodeJS.ErrnoException).code ?? '')) return true
      rmSync(this.#path, { force: true })
      return false
    }
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(dirname(path))
  return bavail * bsize
}
