import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleClient } from './bundle.ts'

describe('the bundle of komgate/client', () => {
  let bundle: Awaited<ReturnType<typeof bundleClient>>
  beforeAll(async () => {
    bundle = await bundleClient()
  })

  it('is smaller than 7.7 kB with gzip', () => {
    expect(gzipSync(bundle.code).length).toBeLessThan(7_700)
  })

  it('holds files of src/client/ only', () => {
    expect(bundle.files).toContain('src/client/index.ts')
    expect(bundle.files.filter((file) => !file.startsWith('src/client/'))).toEqual([])
  })

  it('uses no global of Node', () => {
    expect(bundle.code).not.toMatch(/\b(?:process|Buffer|require|global|__dirname|setImmediate)\b/)
  })
})
