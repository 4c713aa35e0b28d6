import type { Readable } from 'node:stream'
import type { Owner } from './owner.ts'

/** The interval of the checks of a node, milliseconds. */
const CHECK_MS = 2000

/** The open streams of a node. */
interface NodeStreams {
  readonly owner: Owner
  readonly streams: Set<Readable>
}

/**
 * Ends streams whose node does not answer any more: it may be stopped, or packets may be lost, while the kernels keep the
 * connections for minutes. One check serves all streams of a node.
 */
export class StreamChecks {
  readonly #isAlive: (owner: Owner) => Promise<boolean>
  /** by the epoch of the node */
  readonly #nodes = new Map<string, NodeStreams>()
  #timer: NodeJS.Timeout | undefined

  /** @param isAlive whether a node answers as the owner that it was; never rejects */
  constructor(isAlive: (owner: Owner) => Promise<boolean>) {
    this.#isAlive = isAlive
  }

  /** Checks the node of a stream until that is closed. */
  add(owner: Owner, stream: Readable): void {
    if (stream.closed) return
    const node = this.#nodes.get(owner.epoch) ?? { owner, streams: new Set() }
    this.#nodes.set(owner.epoch, node)
    node.streams.add(stream)
    this.#timer ??= setInterval(() => void this.#check(), CHECK_MS).unref()
    stream.once('close', () => {
      node.streams.delete(stream)
      if (node.streams.size === 0) this.#nodes.delete(owner.epoch)
      if (this.#nodes.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    })
  }

  async #check(): Promise<void> {
    await Promise.all(
      [...this.#nodes.values()].map(async ({ owner, streams }) => {
        if (await this.#isAlive(owner)) return
        for (const stream of streams) stream.destroy(new Error('the node does not answer any more'))
      }),
    )
  }
}
