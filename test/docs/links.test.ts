import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/command-line.ts'
import { parseServers } from '../../src/config/servers.ts'
import { consoleBlocks, curlMissing, runBlocks } from '../support/console.ts'
import { declaredRoutes } from '../support/declared-routes.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')
const api = read('docs/api.md')

describe('docs/api.md', async () => {
  let gateway: TestGateway
  beforeAll(async () => {
    // The servers of `npm start`; the test does not connect to the remote one.
    gateway = await startTestGateway(parseServers(readConfig().servers).servers)
  })
  afterAll(() => gateway.close())

  it.skipIf(await curlMissing())('shows a conversation that works as printed', async () => {
    const blocks = consoleBlocks(api)
    const printed = await runBlocks(blocks, gateway.url)
    // Block by block, so that a difference shows the commands it comes from.
    const conversation = (answers: readonly (string[] | undefined)[]) =>
      blocks.map(({ commands }, i) => ({ commands, printed: answers[i] }))
    expect(conversation(printed)).toEqual(conversation(blocks.map((block) => block.printed)))
    expect(blocks.length).toBeGreaterThan(30)
  })

  it('has a WebSocket program that prints the documented output', async () => {
    const [, program, printed] = /^```js\n(.*?)^```\n\nprints\n\n```text\n(.*?)^```$/ms.exec(api) ?? []
    const source = (program as string).replaceAll('http://localhost:5001', gateway.url)
    const { stdout } = await promisify(execFile)('node', ['--input-type=module', '--eval', source], { cwd: root })
    expect(stdout).toBe(printed)
  })
})

it('docs/operating suggests no proxy that chooses a process by the connection id', () => {
  expect(read('docs/operating/README.md')).not.toMatch(/choose by the header|Httpkom-Connection/)
})

describe('every route', () => {
  const routes = new Set(appRoutes())

  it('has a section in docs/api.md, and every section has a route', () => {
    expect(named(api, /^### `([A-Z]+) (\S+)`$/gm)).toEqual(routes)
  })

  it('has a row in the table of docs/api.md, and every row has a route', () => {
    expect(named(api, /^\| `([A-Z]+) (\/\S*)` \|/gm)).toEqual(routes)
  })
})

function named(markdown: string, pattern: RegExp): Set<string> {
  return new Set([...markdown.matchAll(pattern)].map(([, method, path]) => `${method} ${normal(path as string)}`))
}

/** Normalizes a path: `/:server/texts/:text_no{[0-9]+}` and `/S/texts/<no>` are equal. */
function normal(path: string): string {
  const plain = path
    .replace(/\?.*/, '')
    .replace('/:server', '/S')
    .replace(/^\/S\/calls\/.*/, '/S/calls/<>')
    .replaceAll(/<\w+>|:\w+(?:\{[^}]*\})?/g, '<>')
  return plain === '/' ? plain : plain.replace(/\/$/, '')
}

/** Returns the routes of the HTTP interface. */
function appRoutes(): string[] {
  const { gateway, server } = declaredRoutes()
  return [...gateway, ...server].map(({ method, path }) => `${method} ${normal(path)}`)
}
