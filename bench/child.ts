/**
 * A process of the benchmark: it loads a module, whose functions the benchmark calls over IPC.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { forwardErrors, Inspector, inspectorFlags } from '../test/support/inspector.ts'
import { stopProcess } from '../test/support/komgate-process.ts'
import { freePort } from '../test/support/lyskomd.ts'
import type { Scope } from '../test/support/scope.ts'

interface Call {
  id: number
  name: string
  args: unknown[]
}

type Reply = { ready: true } | { id: number; value: unknown } | { id: number; error: string }

type Functions = Record<string, (...args: never[]) => unknown>

export interface Child<M> {
  pid: number
  call<N extends keyof M & string>(
    name: N,
    ...args: Parameters<(M & Functions)[N]>
  ): Promise<Awaited<ReturnType<(M & Functions)[N]>>>
}

/** Starts a process with the module `name` of this folder, which ends with the scope. */
export async function startChild<M>(scope: Scope, name: string, nodeArgs: readonly string[] = []): Promise<Child<M>> {
  const args = [...nodeArgs, fileURLToPath(import.meta.url), name]
  const child = scope.use(spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }), stopProcess)
  forwardErrors(child)
  const pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let lastId = 0
  await new Promise<void>((ready, failed) => {
    child.on('message', (reply: Reply) => {
      if ('ready' in reply) return ready()
      const call = pending.get(reply.id)
      pending.delete(reply.id)
      if ('error' in reply) call?.reject(new Error(reply.error))
      else call?.resolve(reply.value as never)
    })
    child.once('exit', (code, signal) => {
      const ended = new Error(`the process ${name} ended with ${code ?? signal}`)
      failed(ended)
      for (const { reject } of pending.values()) reject(ended)
    })
  })
  return {
    pid: child.pid as number,
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        const call: Call = { id: ++lastId, name, args }
        pending.set(call.id, { resolve, reject })
        child.send(call, (error) => error && reject(error))
      }),
  }
}

/** Starts a process with a connection to its inspector. */
export async function startInspectedChild<M>(scope: Scope, name: string): Promise<Child<M> & { inspector: Inspector }> {
  const port = await freePort()
  const child = await startChild<M>(scope, name, inspectorFlags(port))
  const inspector = scope.use(await Inspector.connect(port), (connected) => connected.close())
  return { ...child, inspector }
}

async function serve(module: string): Promise<void> {
  const functions = (await import(`./${module}.js`)) as Record<string, (...args: unknown[]) => unknown>
  const send = (reply: Reply): void => void process.send?.(reply)
  // Ctrl-C reaches the whole process group; the benchmark itself stops its processes in order.
  process.on('SIGINT', () => undefined)
  process.on('disconnect', () => process.exit())
  process.on('message', ({ id, name, args }: Call) => {
    void Promise.resolve()
      .then(() => functions[name]?.(...args))
      .then(
        (value) => send({ id, value }),
        (error: Error) => send({ id, error: String(error.stack) }),
      )
  })
  send({ ready: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(process.argv[2] as string)
