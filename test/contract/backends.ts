import { startDemoServer } from '../../src/demo/server.ts'
import { lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'

/** A LysKOM server that the contract tests run against. */
export interface Backend {
  host: string
  port: number
  stop(): Promise<void>
}

export const BACKENDS: readonly { name: string; start(): Promise<Backend> }[] = [
  {
    name: 'the demo server',
    start: async () => {
      const demo = await startDemoServer()
      return { host: demo.host, port: demo.port, stop: () => demo.close() }
    },
  },
  ...(lyskomdInstalled() ? [{ name: 'lyskomd', start: () => startLyskomd() }] : []),
]
