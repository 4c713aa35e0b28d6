import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const MAX_BYTES = 16 * 1024 * 1024
/** The part of the free space that a reserve takes on a small disk. */
const PART = 4
const NO_ROOM = ['ENOSPC', 'EDQUOT']

/**
 * A file that keeps some space of a disk. SQLite needs space even to delete; when the disk is full, the file is removed
 * to make some, and nothing but deletes is allowed until it can be made again.
 */
export class DiskReserve {
  /** the size of the file; 0 where it cannot be made for another reason than the lack of space */
  readonly bytes: number
  readonly #path: string
  #isHeld = false

  constructor(path: string) {
    this.#path = path
    this.bytes = sizeOf(path) || Math.min(MAX_BYTES, Math.floor(freeBytes(path) / PART))
    this.hold()
  }

  /** Makes the file unless it is there. Returns false when the disk has no room for it. */
  hold(): boolean {
    this.#isHeld ||= sizeOf(this.#path) === this.bytes || this.#write()
    return this.#isHeld
  }

  /** Removes the file. */
  release(): void {
    this.#isHeld = false
    rmSync(this.#path, { force: true })
  }

  #write(): boolean {
    if (freeBytes(this.#path) < this.bytes) return false
    // Random, so that no file system stores less of it.
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
      if (!NO_ROOM.includes((error as NodeJS.ErrnoException).code ?? '')) return true
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
