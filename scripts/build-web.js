import { createHash } from 'node:crypto'
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
/** Images that the pages and the reader's web app manifest name. */
const IMAGES = ['icon.svg', 'icon-192.png', 'icon-512.png', 'icon-maskable-512.png']
/** Packages whose code is in the bundles; their licences are copied. */
const BUNDLED = ['preact', '@preact/signals', '@preact/signals-core', 'uplot']
const TYPES = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
}

/**
 * Bundles the web applications of src/web. The files have hashes in their names, and copies that are compressed.
 * manifest.json lists them for `src/http/web.ts`.
 * @param {string} folder the folder to write to
 */
export async function buildWeb(folder) {
  const builds = await Promise.all([
    ...APPLICATIONS.map(({ name }) => bundle(folder, { in: `src/web/${name}/main.tsx`, out: name })),
    ...IMAGES.map((file) =>
      bundle(folder, { in: `src/web/shared/${file}`, out: file.slice(0, -extname(file).length) }),
    ),
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
  /** @param {string} file a file in src/web that names assets; returns it with their hashed names */
  const linked = (file) =>
    readFileSync(`src/web/${file}`, 'utf8').replaceAll(
      /(?<="assets\/)[\w.-]+(?=")/g,
      (asset) => hashed.get(asset) ?? missing(asset),
    )
  for (const { name } of APPLICATIONS) writeFileSync(join(folder, `${name}.html`), linked(`${name}/index.html`))
  const files = {
    'app.webmanifest': linked('reader/app.webmanifest'),
    'sw.js': await buildWorker(linked('reader/index.html'), [...hashed.values()]),
  }
  for (const [file, contents] of Object.entries(files)) writeFileSync(join(folder, file), contents)
  const manifest = {
    pages: Object.fromEntries(APPLICATIONS.map(({ name, path }) => [path, `${name}.html`])),
    assets: typesOf(assets.map(({ file }) => file)),
    files: typesOf(Object.keys(files)),
  }
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  writeFileSync(join(folder, 'LICENSES.txt'), BUNDLED.map(licenceOf).join('\n'))
}

/**
 * Bundles the service worker, which keeps the page of the reader, the assets that it names, and the modules that it
 * imports on demand.
 * @param {string} page
 * @param {string[]} assets the names of all assets
 */
async function buildWorker(page, assets) {
  const kept = assets.filter((name) => name.startsWith('reader-') || page.includes(`"assets/${name}"`))
  const { outputFiles } = await build({
    entryPoints: ['src/web/worker/main.ts'],
    bundle: true,
    minify: true,
    write: false,
    target: 'es2022',
    define: {
      ASSETS: JSON.stringify(kept.map((name) => `assets/${name}`)),
      VERSION: JSON.stringify(
        createHash('sha256')
          .update(page + kept.join())
          .digest('hex')
          .slice(0, 12),
      ),
    },
  })
  return outputFiles.map(({ text }) => text).join('')
}

/**
 * Returns the content types of files by their names.
 * @param {string[]} files
 */
function typesOf(files) {
  return Object.fromEntries(files.map((file) => [file, TYPES[extname(file)] ?? missing(file)]))
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
    loader: { '.svg': 'copy', '.png': 'copy' },
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
