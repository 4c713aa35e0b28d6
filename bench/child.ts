/**
 * Entry point of a benchmark process: a role's module, whose functions the benchmark calls over IPC. With `--import` it
 * runs inside another program.
 */

const ROLES = {
  'bare-gateway': () => import('./bare-gateway.ts'),
  'call-levels': () => import('./call-levels.ts'),
  'demo-server': () => import('./demo-server.ts'),
  'fake-backend': () => import('./fake-backend.ts'),
  'hello-server': () => import('./hello-server.ts'),
  'http-load': () => import('./http-load.ts'),
  'idle-sockets': () => import('./idle-sockets.ts'),
  'latency-line': () => import('./latency-line.ts'),
  'memory-probe': () => import('./memory-probe.ts'),
  'nudge-delays': () => import('./nudge-delays.ts'),
  'protocol-speed': () => import('./protocol-speed.ts'),
  'store-speed': () => import('./store-speed.ts'),
} as const

export type Role = keyof typeof ROLES
export type RoleModule<R extends Role> = Awaited<ReturnType<(typeof ROLES)[R]>>

/** The environment variable that names the role. */
export const ROLE_VARIABLE = 'BENCH_ROLE'

export interface Request {
  id: number
  name: string
  args: unknown[]
}

/** `ready` is sent once, when the process accepts calls. */
export type Report = { ready: true } | { id: number; value: unknown } | { id: number; error: string }

async function serve(role: Role): Promise<void> {
  const functions = (await ROLES[role]()) as Record<string, (...args: unknown[]) => unknown>
  const report = (message: Report): void => void process.send?.(message)
  const answer = async ({ id, name, args }: Request): Promise<void> => {
    try {
      report({ id, value: await functions[name]?.(...args) })
    } catch (error) {
      report({ id, error: String((error as Error).stack) })
    }
  }
  process.on('message', (request: Request) => void answer(request))
  report({ ready: true })
}

if (process.send !== undefined && process.env[ROLE_VARIABLE] !== undefined) {
  // Ctrl-C reaches the whole process group; the benchmark itself stops its children in order.
  process.on('SIGINT', () => undefined)
  process.on('disconnect', () => process.exit())
  await serve(process.env[ROLE_VARIABLE] as Role)
}
