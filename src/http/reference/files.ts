import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type StaticFile, staticFile } from '../output/static-file.ts'

/** The names and content types of the files of the reference. */
const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'reference.css': 'text/css; charset=utf-8',
  'reference.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
} as const

export type ReferenceFileName = keyof typeof TYPES

/** The page itself. */
export const PAGE = 'index.html'
/** The files that the page loads from `docs/`. */
export const ASSETS = (Object.keys(TYPES) as ReferenceFileName[]).filter((name) => name !== PAGE)

const files = new Map<ReferenceFileName, Promise<StaticFile>>()

/** Returns a file of the reference. Reads it from the disk once. */
export function referenceFile(name: ReferenceFileName): Promise<StaticFile> {
  const known = files.get(name)
  if (known !== undefined) return known
  const file = read(name)
  files.set(name, file)
  // The next request tries again.
  file.catch(() => files.delete(name))
  return file
}

async function read(name: ReferenceFileName): Promise<StaticFile> {
  const folder = name.startsWith('swagger-ui') ? swaggerUiFolder() : import.meta.dirname
  return staticFile(await readFile(join(folder, name)), TYPES[name])
}

/** Returns the folder of Swagger UI: in the build the copy that `scripts/build.js` makes, in a checkout the package. */
function swaggerUiFolder(): string {
  const copy = join(import.meta.dirname, 'swagger-ui')
  return existsSync(copy) ? copy : dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist')))
}
