import { join } from 'node:path'
import { build } from 'esbuild'
import { ROOT } from '../support/example.ts'

/** Bundles `komgate/client` for browsers. Returns the minified code and the files that are in it. */
export async function bundleClient(): Promise<{ code: string; files: string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(ROOT, 'src/client/index.ts')],
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    metafile: true,
    write: false,
  })
  return { code: outputFiles[0]?.text ?? '', files: Object.keys(metafile.inputs) }
}
