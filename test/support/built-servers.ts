import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Returns the path of a file that `.ci/build-servers` creates. */
export function builtServer(name: string): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'komgate', name)
}

/** Returns whether all of these commands are in the path. */
export function hasCommands(...commands: string[]): boolean {
  const dirs = (process.env.PATH ?? '').split(delimiter)
  return commands.every((command) => dirs.some((dir) => existsSync(join(dir, command))))
}
