import { type Answer, type FakeRequest, type FakeServer, startFakeServer } from './fake-server.ts'

/** Time without a request after which a round ends, in milliseconds. Client and server share one event loop. */
const QUIET_MS = 25

/** A server that counts round trips. */
export interface RoundServer {
  readonly server: FakeServer
  /** Runs an operation. Resolves with its result, the number of sequential round trips and the number of calls. */
  count<T>(operation: () => Promise<T>): Promise<{ result: T; rounds: number; calls: number }>
}

/**
 * Starts a LysKOM server that simulates a long round trip: it delays replies until no more requests arrive. The number
 * of such rounds is the sequential depth of an operation.
 */
export async function startRoundServer(answer: (request: FakeRequest) => Answer): Promise<RoundServer> {
  let rounds = 0
  let calls = 0
  let waiting: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined
  const server = await startFakeServer((request, connection) => {
    const bytes = connection.received.length > 4 ? answer(request) : undefined
    if (!Buffer.isBuffer(bytes)) return bytes
    calls++
    waiting.push(() => connection.send(bytes))
    clearTimeout(timer)
    timer = setTimeout(() => {
      rounds++
      const now = waiting
      waiting = []
      for (const send of now) send()
    }, QUIET_MS)
    return true
  })
  return {
    server,
    async count(operation) {
      rounds = 0
      calls = 0
      const result = await operation()
      return { result, rounds, calls }
    },
  }
}
