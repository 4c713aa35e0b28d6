import { homedir } from 'node:os'
import { join } from 'node:path'

/** Returns the path of a file that `.ci/build-servers` creates. */
export function builtServer(name: string): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'komgate', name)
}
