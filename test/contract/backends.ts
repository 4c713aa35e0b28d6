import { startDemoServer } from '../../src/demo/server.ts'
import { lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'

/** A running LysKOM server for contract tests. */
export interface Backend {
  host: string
  port: number
  stop(): Promise<void>
}

/** The LysKOM servers that the contract tests run on: the demo server, and lyskomd if it is installed. */
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
