import { afterAll, beforeAll } from 'vitest'
import type { Backend } from '../contract/backends.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { World } from './world.ts'

/**
 * Delays of the connections of the gateway, in each direction, so that sessions of a person learn of the same text at
 * different times.
 */
const DELAYS_MS = [0, 6, 0, 2]

/** A LysKOM server, and a gateway in front of it, for the tests of one `describe` block. */
export class ModelStage {
  backend!: Backend
  proxy!: TcpProxy
  gateway!: TestGateway
  #worlds = 0

  /** Creates persons, conferences and sessions that no other run uses. */
  newWorld(): Promise<World> {
    return World.create(this.gateway, this.backend.port, `Run ${++this.#worlds}`)
  }
}

/**
 * Starts the stage before the tests of the enclosing `describe` block and ends it after them.
 *
 * @param start starts the LysKOM server
 */
export function onModelStage(start: () => Promise<Backend>): ModelStage {
  const stage = new ModelStage()
  beforeAll(async () => {
    stage.backend = await start()
    let connections = 0
    stage.proxy = await startProxy(stage.backend, (line) =>
      line.delay(DELAYS_MS[connections++ % DELAYS_MS.length] ?? 0),
    )
    const { host, port } = stage.proxy
    const limits = { maxLoginsPerMinute: 1_000_000, maxOpeningsPerMinute: 1_000_000 }
    stage.gateway = await startTestGateway([{ id: 'kom', host, port }], limits)
  })
  afterAll(async () => {
    await stage.gateway?.close()
    await stage.proxy?.close()
    await stage.backend?.stop()
  })
  return stage
}
