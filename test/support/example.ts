/** Runs the programs in `examples/` as their users do: in processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const running = new Set<ChildProcess>()

export interface Program {
  /** what the program has written so far, standard error included */
  output(): string
  /** Waits until the output matches. Returns the match. */
  prints(pattern: RegExp): Promise<RegExpExecArray>
  kill(signal: NodeJS.Signals): void
  /** the exit code, null after a fatal signal */
  readonly exit: Promise<number | null>
}

interface RunOptions {
  /** the folder to run in; default: the root of the repository */
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** standard input; default: none */
  input?: string
}

/** Starts a TypeScript program with tsx. */
export function startTypeScript(file: string, args: readonly string[] = [], options: RunOptions = {}): Program {
  return startProgram(process.execPath, ['--import', import.meta.resolve('tsx'), file, ...args], options)
}

/** Starts a program. `killPrograms` ends it after a test that failed. */
export function startProgram(
  command: string,
  args: readonly string[],
  { cwd = ROOT, env, input = '' }: RunOptions = {},
): Program {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' })
  child.stdin.end(input)
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
    })
  }
  return {
    output: () => output,
    async prints(pattern) {
      await vi.waitFor(() => expect(output).toMatch(pattern), { timeout: 25_000 })
      return pattern.exec(output) as RegExpExecArray
    },
    kill: (signal) => void child.kill(signal),
    exit: once(child, 'close').then(([code]) => code as number | null),
  }
}

/** Ends the programs that still run. */
export async function killPrograms(): Promise<void> {
  const exits = [...running].filter(({ exitCode, signalCode }) => (exitCode ?? signalCode) === null)
  running.clear()
  await Promise.all(exits.map((child) => child.kill('SIGKILL') && once(child, 'exit')))
}
