import { startDemoServer } from '../../src/demo/server.ts'
import { lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'

/** A running LysKOM server for contract tests. */
export interface Backend {
  host: string
  port: number
  stop(): Promise<void>
}

/** The administrator of both servers. */
export const ADMINISTRATOR = { no: 5, passwd: 'gazonk' }

/** Number of files that lyskomd opens for itself. */
const OWN_FILES = 23

/** The LysKOM servers that the contract tests run on: the demo server, and lyskomd if it is installed. */
export const BACKENDS: readonly {
  name: string
  /** @param maxConnections the server rejects more connections than about this number */
  start(maxConnections?: number): Promise<Backend>
}[] = [
  {
    name: 'the demo server',
    start: async (maxConnections) => {
      const demo = await startDemoServer(maxConnections === undefined ? {} : { maxConnections })
      return { host: demo.host, port: demo.port, stop: () => demo.close() }
    },
  },
  ...(lyskomdInstalled()
    ? [
        {
          name: 'lyskomd',
          start: (maxConnections?: number) =>
            startLyskomd(maxConnections === undefined ? {} : { openFiles: maxConnections + OWN_FILES }),
        },
      ]
    : []),
]

/**
 * The LysKOM server for tests in Chromium that take long: lyskomd if it is installed. That the demo server behaves alike is
 * proven by the contract tests, and shorter tests in Chromium run on both.
 */
export const ONE_SERVER = BACKENDS.slice(-1)
