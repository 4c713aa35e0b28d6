import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RequestError } from './errors/request-error.ts'
import { type StaticFile, staticFile } from './output/static-file.ts'

/** The content codings of assets, the smallest first, with the endings of the files that have them. */
export const CODINGS = { br: '.br', gzip: '.gz', identity: '' } as const
/** A script, style sheet or image of the web applications, in each content coding. */
export interface WebAsset {
  contentType: string
  bodies: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

/** The files of the web applications. */
export interface WebFiles {
  /** by path below `/app/` */
  pages: ReadonlyMap<string, StaticFile>
  /** by name in `/app/`: the service worker and the web app manifest, whose names hold no hash */
  files: ReadonlyMap<string, StaticFile>
  /** by file name */
  assets: ReadonlyMap<string, WebAsset>
}

/** manifest.json, which `scripts/build-web.js` writes. */
interface Manifest {
  /** the file names of pages by path */
  pages: Record<string, string>
  /** the content types of assets by file name */
  assets: Record<string, string>
  /** the content types of other files by file name */
  files: Record<string, string>
}

const MANIFEST = 'manifest.json'
/** Where `npm run build` puts the files: beside this folder in the build; in a checkout this module is in src/. */
const FOLDERS = ['../web', '../../dist/web'].map((folder) => join(import.meta.dirname, folder))

let files: Promise<WebFiles> | undefined

/**
 * Returns the files of the web applications. Reads them from the disk once, so that a build meanwhile does not mix the
 * page of one version with the scripts of another.
 *
 * @throws RequestError `not-found` (404) in a checkout that has not been built
 */
export function webFiles(): Promise<WebFiles> {
  files ??= read().catch((error: unknown) => {
    // The next request tries again.
    files = undefined
    throw error
  })
  return files
}

async function read(): Promise<WebFiles> {
  const folder = FOLDERS.find((each) => existsSync(join(each, MANIFEST)))
  if (folder === undefined) {
    throw new RequestError('not-found', 'The web client has not been built: run "npm run build".')
  }
  const { pages, assets, files } = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')) as Manifest
  const file = async (type: string, name: string) => staticFile(await readFile(join(folder, name)), type)
  return {
    pages: await readEach(pages, (name) => file('text/html; charset=utf-8', name)),
    files: await readEach(files, file),
    assets: await readEach(assets, async (contentType, name) => ({
      contentType,
      bodies: await readEach(CODINGS, (ending) => readFile(join(folder, 'assets', name + ending))),
    })),
  }
}

async function readEach<V, T>(
  record: Readonly<Record<string, V>>,
  readOne: (value: V, key: string) => Promise<T>,
): Promise<Map<string, T>> {
  return new Map(
    await Promise.all(
      Object.entries(record).map(async ([key, value]) => [key, await readOne(value, key)] as [string, T]),
    ),
  )
}
