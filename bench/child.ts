/** A process of the benchmark: it loads a module, whose functions the benchmark calls over IPC. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../test/support/free-port.ts'
import { forwardErrors, Inspector, inspectorFlags } from '../test/support/inspector.ts'
import { stopProcess } from '../test/support/komgate-process.ts'
import type { Scope } from '../test/support/scope.ts'

type Call = { name: string; args: unknown[] }
type Functions = Record<string, (...args: never[]) => unknown>

/** A child process. It takes one call at a time. */
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
  const ended = once(child, 'exit').then(([code, signal]): never => {
    throw new Error(`the process ${name} ended with ${code ?? signal}`)
  })
  ended.catch(() => undefined)
  const reply = async (): Promise<never> => {
    const [{ value, error }] = (await Promise.race([once(child, 'message'), ended])) as [
      { value: never; error?: string },
    ]
    if (error !== undefined) throw new Error(error)
    return value
  }
  // The first message reports that the module is loaded.
  await reply()
  return {
    pid: child.pid as number,
    call: (functionName, ...callArgs) => {
      child.send({ name: functionName, args: callArgs } satisfies Call)
      return reply()
    },
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
  const send = (reply: object): void => void process.send?.(reply)
  // Ctrl-C reaches the whole process group; the benchmark itself stops its processes in order.
  process.on('SIGINT', () => undefined)
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ name, args }: Call) => {
    try {
      send({ value: await functions[name]?.(...args) })
    } catch (error) {
      send({ error: String((error as Error).stack) })
    }
  })
  send({})
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(process.argv[2] as string)
