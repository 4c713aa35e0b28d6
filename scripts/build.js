import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * Builds src/ into dist/ for `npm start`, `npm run build` and `npm pack`. Does nothing if dist/ is up to date.
 *
 * The compiler writes into a temporary folder. Then each changed file is renamed into dist/, so that no file is ever
 * missing or incomplete: another process may start komgate from dist/ at any time.
 */
const CONFIG = [
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'],
  ...['scripts/build.js', 'scripts/build-web.js'],
]
/** The sources of the web applications, which are bundled. */
const WEB = join('src/web/')
/** File with the digests of the sources and of the built files. */
const STAMP = 'dist/.build'
/** Files of `swagger-ui-dist` that the build copies, and their folder in dist/. */
const SWAGGER_UI = ['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt', 'LICENSE', 'NOTICE']
const SWAGGER_UI_FOLDER = 'http/reference/swagger-ui'

process.chdir(join(import.meta.dirname, '..'))
// The npm package contains the build and no sources.
if (existsSync('src')) await build()

/** Compiles src/ and bundles the web applications unless the digests in `STAMP` are current. */
async function build() {
  const sources = digest([...CONFIG.filter((file) => existsSync(file)), ...filesIn('src')])
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === `${sources}\n${digest(built())}\n`) return
  const fresh = mkdtempSync('dist-')
  try {
    const { status } = spawnSync(`tsc -p tsconfig.build.json --outDir ${fresh}`, { shell: true, stdio: 'inherit' })
    if (status !== 0) process.exitCode = 1
    else {
      copyFiles(fresh)
      if (existsSync(WEB)) {
        // The npm package has neither this module nor esbuild.
        const { buildWeb } = await import('./build-web.js')
        await buildWeb(join(fresh, 'web'))
      }
      replaceDist(fresh, sources)
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

/**
 * Copies the files that are not compiled: those of src/, and Swagger UI from its package.
 * @param {string} fresh the folder to copy to
 */
function copyFiles(fresh) {
  const swaggerUi = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist')))
  const copies = [
    ...filesIn('src').flatMap((file) =>
      extname(file) === '.ts' || file.startsWith(WEB) ? [] : [[file, file.slice('src/'.length)]],
    ),
    ...SWAGGER_UI.map((name) => [join(swaggerUi, name), join(SWAGGER_UI_FOLDER, name)]),
  ]
  for (const [from, to] of copies) {
    mkdirSync(join(fresh, dirname(to)), { recursive: true })
    copyFileSync(from, join(fresh, to))
  }
}

/**
 * Replaces the changed files of dist/ and removes the others.
 * @param {string} fresh the folder with the new files
 * @param {string} sources the digest of their sources
 */
function replaceDist(fresh, sources) {
  rmSync(STAMP, { force: true })
  const wanted = filesIn(fresh).map((file) => join('dist', file.slice(fresh.length + 1)))
  for (const file of wanted) {
    const from = join(fresh, file.slice('dist/'.length))
    if (existsSync(file) && readFileSync(file).equals(readFileSync(from))) continue
    mkdirSync(dirname(file), { recursive: true })
    renameSync(from, file)
  }
  for (const file of built()) if (!wanted.includes(file)) rmSync(file, { force: true })
  writeFileSync(STAMP, `${sources}\n${digest(built())}\n`)
}

/** Returns the files in dist/ without `STAMP`. */
function built() {
  return existsSync('dist') ? filesIn('dist').filter((file) => file !== join(STAMP)) : []
}

/**
 * Returns the paths of all files in a folder and its subfolders, sorted.
 * @param {string} folder
 */
function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/**
 * Returns a digest of the names and contents of files.
 * @param {string[]} files
 */
function digest(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\n`).update(createHash('sha256').update(readFileSync(file)).digest())
  return hash.digest('hex')
}
