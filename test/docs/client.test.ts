import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { killPrograms, ROOT, startTypeScript } from '../support/example.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
let dir: string
beforeAll(async () => {
  gateway = await startTestGateway([{ id: 'demo', demo: true }])
  dir = mkdtempSync(join(tmpdir(), 'komgate-client-docs-'))
})
afterAll(async () => {
  await killPrograms()
  await gateway.close()
  rmSync(dir, { recursive: true })
})

it('docs/client.md shows a program that prints the documented output', async () => {
  const page = readFileSync(join(ROOT, 'docs/client.md'), 'utf8')
  const blocks = (language: string) =>
    Array.from(page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms')), ([, block = '']) => block).join(
      '',
    )
  const program = blocks('ts').replaceAll('http://localhost:5001', gateway.url)
  const file = join(dir, 'program.mts')
  writeFileSync(file, program)
  const running = startTypeScript(file)
  const exitCode = await running.exit
  expect(running.output()).toBe(blocks('text'))
  expect(exitCode).toBe(0)
})
