import type { Cut } from './cut-follower.ts'
import { startProxy, type TcpProxy } from './proxy.ts'

/** A network whose event streams are cut. */
export class CutNetwork {
  readonly #cuts: Cut[]
  readonly #proxies: TcpProxy[] = []

  /** @param cuts of the first streams; later ones are not cut */
  constructor(cuts: readonly Cut[]) {
    this.#cuts = [...cuts]
  }

  /** As the global `fetch`. */
  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input))
    if (!url.pathname.endsWith('/events')) return await fetch(input, init)
    const cut = this.#cuts.shift()
    if (cut === undefined) return await fetch(input, init)
    const proxy = await startProxy({ host: url.hostname, port: Number(url.port) }, (line) => {
      line.toClient.delay(cut.delayMs)
      line.cut(cut.bytes, cut.how === 'end' ? 'end' : 'reset')
    })
    this.#proxies.push(proxy)
    url.host = `${proxy.host}:${proxy.port}`
    return await fetch(url, init)
  }

  /** Closes all connections that have not been cut. */
  async close(): Promise<void> {
    for (const proxy of this.#proxies) await proxy.close()
  }
}
