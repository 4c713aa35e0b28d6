import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** The applications: the name of each is that of its folder, its page is served below its path in /app/. */
const APPLICATIONS = [
  { name: 'reader', path: '' },
  { name: 'console', path: 'console' },
]
/** Packages whose code is in the bundles; their licences are copied. */
const BUNDLED = ['preact', '@preact/signals', '@preact/signals-core']
const TYPES = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * Bundles the web applications of src/web. The files have hashes in their names, and copies that are compressed.
 * manifest.json lists them for `src/http/web.ts`.
 * @param {string} folder the folder to write to
 */
export async function buildWeb(folder) {
  const builds = await Promise.all([
    ...APPLICATIONS.map(({ name }) => bundle(folder, { in: `src/web/${name}/main.tsx`, out: name })),
    bundle(folder, { in: 'src/web/shared/icon.svg', out: 'icon' }),
  ])
  const assets = builds.flat().map(({ path, contents }) => ({ file: basename(path), contents }))
  mkdirSync(join(folder, 'assets'), { recursive: true })
  for (const { file, contents } of assets) {
    const path = join(folder, 'assets', file)
    writeFileSync(path, contents)
    writeFileSync(`${path}.gz`, gzipSync(contents, { level: 9 }))
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: contents.length }
    writeFileSync(`${path}.br`, brotliCompressSync(contents, { params }))
  }
  const hashed = new Map(assets.map(({ file }) => [file.replace(/-[A-Z0-9]+(?=\.\w+$)/, ''), file]))
  for (const { name } of APPLICATIONS) {
    const page = readFileSync(`src/web/${name}/index.html`, 'utf8')
    const linked = page.replaceAll(/(?<="assets\/)[\w.]+(?=")/g, (file) => hashed.get(file) ?? missing(file))
    writeFileSync(join(folder, `${name}.html`), linked)
  }
  const manifest = {
    pages: Object.fromEntries(APPLICATIONS.map(({ name, path }) => [path, `${name}.html`])),
    assets: Object.fromEntries(assets.map(({ file }) => [file, TYPES[extname(file)] ?? missing(file)])),
  }
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  writeFileSync(join(folder, 'LICENSES.txt'), BUNDLED.map(licenceOf).join('\n'))
}

/**
 * Bundles a module. Modules that it imports on demand become files of their own.
 * @param {string} folder the folder of the result
 * @param {{ in: string, out: string }} entry the module, and the beginning of the names of its files
 */
async function bundle(folder, entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    outdir: folder,
    entryNames: '[name]-[hash]',
    chunkNames: `${entry.out}-[name]-[hash]`,
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    loader: { '.svg': 'copy' },
  })
  return outputFiles
}

/** @param {string} name the name of a package */
function licenceOf(name) {
  // The entry of a package is in a folder of its root.
  const licence = new URL('../LICENSE', import.meta.resolve(name))
  return `${name}\n\n${readFileSync(fileURLToPath(licence), 'utf8')}`
}

/**
 * @param {string} file
 * @returns {never}
 */
function missing(file) {
  throw new Error(`the build of the web applications has no ${file}, or no content type for it`)
}
