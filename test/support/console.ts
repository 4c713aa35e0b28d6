/** Runs the console examples of the documentation and returns their output. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A ```` ```console ```` block. Commands follow `$ `; lines that continue a command begin with four spaces. */
interface ConsoleBlock {
  commands: string[]
  /** the documented output, without empty lines */
  printed: string[]
}

/** Returns the console blocks of a page. */
export function consoleBlocks(markdown: string): ConsoleBlock[] {
  return [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => {
    const commands: string[] = []
    const printed: string[] = []
    for (const line of block.split('\n')) {
      if (line.startsWith('$ ')) commands.push(line.slice(2))
      else if (line.startsWith('    ')) commands[commands.length - 1] += `\n${line}`
      else if (line !== '') printed.push(line)
    }
    return { commands, printed }
  })
}

/** Runs the blocks as one bash script against the gateway. Returns the output of each block, without empty lines. */
export async function runBlocks(blocks: readonly ConsoleBlock[], url: string): Promise<string[][]> {
  const end = '--- end of block ---'
  // `echo` ends the line of a response, which curl does not do.
  const script = blocks.map(({ commands }) => [...commands, `echo '${end}'`].join('\necho\n')).join('\n')
  const { stdout } = await run('bash', ['-uc', script.replaceAll('http://localhost:5001', url)])
  const lines = (text: string) => text.split('\n').filter((line) => line !== '')
  return stdout.split(`${end}\n`).slice(0, blocks.length).map(lines)
}

/** Reports whether curl is missing. Always false on CI, where the tests then fail instead of being skipped. */
export async function curlMissing(): Promise<boolean> {
  if (process.env.CI) return false
  return run('curl', ['--version']).then(
    () => false,
    () => true,
  )
}
