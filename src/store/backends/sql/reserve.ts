import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Maximum size of the file, bytes. */
const MAX_BYTES = 16 * 1024 * 1024
/** On a small disk, the file takes the free space divided by this. */
const PART = 4
const DISK_FULL = ['ENOSPC', 'EDQUOT']

/**
 * A file that reserves disk space, since SQLite needs space even for deletes. When the disk is full, the file is
 * removed to free its space, and only deletes are allowed until it can be created again.
 */
export class DiskReserve {
  /** size of the file, bytes */
  readonly bytes: number
  readonly #path: string
  #isReserved = false

  /**
   * Creates the file.
   * @param path path of the file
   */
  constructor(path: string) {
    this.#path = path
    this.bytes = sizeOf(path) || Math.min(MAX_BYTES, Math.floor(freeBytes(path) / PART))
    this.create()
  }

  /**
   * Creates the file if it is missing.
   * @returns false if there is too little space; true also if the file cannot be created for another reason
   */
  create(): boolean {
    this.#isReserved ||= sizeOf(this.#path) === this.bytes || this.#write()
    return this.#isReserved
  }

  /** Removes the file to free its space. */
  release(): void {
    this.#isReserved = false
    rmSync(this.#path, { force: true })
  }

  #write(): boolean {
    if (freeBytes(this.#path) < this.bytes) return false
    // Random data cannot be compressed, so every file system allocates all of it.
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
