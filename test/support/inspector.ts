import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

/** Flags of a Node process that can be inspected on `port`. */
export function inspectorFlags(port: number): string[] {
  return [`--inspect=127.0.0.1:${port}`, '--inspect-publish-uid=http']
}

/** Forwards standard error of a process, without the messages of its inspector. */
export function forwardErrors({ stderr }: ChildProcess): void {
  stderr?.on('data', (text) => String(text).startsWith('Debugger ') || process.stderr.write(text))
}

/** A connection to the inspector of another Node process. */
export class Inspector {
  readonly #socket: WebSocket
  #lastId = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket.setMaxListeners(0)
  }

  static async connect(port: number): Promise<Inspector> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      webSocketDebuggerUrl: string
    }[]
    const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '')
    await once(socket, 'open')
    return new Inspector(socket)
  }

  /** Evaluates an expression in the process; the value, or the value of a promise, must be JSON. */
  async evaluate<T>(expression: string): Promise<T> {
    const params = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = (await this.#post('Runtime.evaluate', params)) as {
      result: { value: T }
      exceptionDetails?: { text: string }
    }
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`)
    return result.value
  }

  /**
   * Collects all garbage, returns unused pages to the kernel, and returns the bytes that JavaScript still holds,
   * including Buffers. After `gc()` the pages of the garbage would stay resident and count as memory of the process.
   */
  async heldBytes(): Promise<number> {
    for (let i = 0; i < 3; i++) {
      await this.#post('HeapProfiler.collectGarbage')
      await sleep(50)
    }
    const memory = await this.evaluate<{ heapUsed: number; external: number }>('process.memoryUsage()')
    return memory.heapUsed + memory.external
  }

  close(): void {
    this.#socket.terminate()
  }

  #post(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const onClose = (): void => reject(new Error(`the inspected process has ended during ${method}`))
      const onMessage = (data: unknown): void => {
        const reply = JSON.parse(String(data)) as { id?: number; result?: unknown }
        if (reply.id !== id) return
        this.#socket.off('message', onMessage).off('close', onClose)
        resolve(reply.result)
      }
      this.#socket.on('message', onMessage).once('close', onClose)
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
  }
}
