import { type Answer, type FakeRequest, type FakeServer, startFakeServer } from './fake-server.ts'

/** Long after everything that follows from a reply has been asked: both ends live in one event loop. */
const QUIET_MS = 25

export interface RoundServer {
  readonly server: FakeServer
  /** Runs an operation; resolves with its result and how often it had to wait for the server. */
  count<T>(operation: () => Promise<T>): Promise<{ result: T; rounds: number; calls: number }>
}

/**
 * A LysKOM server that is far away: it answers everything it has been asked once it is asked no more. How often it does
 * so is the depth of an operation, whatever the number of its calls.
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
