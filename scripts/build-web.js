import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** The applications: the name of each is that of its folder, its page is served below its path in /app/. */
const APPLICATIONS = [{ name: 'reader', path: '' }]
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
  const { outputFiles } = await build({
    entryPoints: [
      ...APPLICATIONS.map(({ name }) => ({ in: `src/web/${name}/main.tsx`, out: name })),
      { in: 'src/web/shared/icon.svg', out: 'icon' },
    ],
    outdir: folder,
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    loader: { '.svg': 'copy' },
  })
  const assets = outputFiles.map(({ path, contents }) => ({ file: basename(path), contents }))
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
