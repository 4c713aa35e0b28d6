import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consoleBlocks, curlMissing, runBlocks } from '../support/console.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { parseMetrics } from '../support/prometheus.ts'

const page = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8')
const [, adminKey = ''] = /KOMGATE_ADMIN_KEY=(\S+)/.exec(page) ?? []

describe('docs/observability.md', async () => {
  let gateway: TestGateway
  let dir: string
  beforeAll(async () => {
    gateway = await startTestGateway([{ id: 'demo', demo: true }], { adminKey })
    dir = mkdtempSync(join(tmpdir(), 'komgate-observability-'))
  })
  afterAll(async () => {
    await gateway.close()
    rmSync(dir, { recursive: true })
  })

  it.skipIf(await curlMissing())('shows a conversation that works as printed', async () => {
    const blocks = consoleBlocks(page)
    const printed = await runBlocks([{ commands: [`cd ${dir}`], printed: [] }, ...blocks], gateway.url)
    // Block by block, so that a difference shows the commands it comes from.
    const conversation = (answers: readonly (string[] | undefined)[]) =>
      blocks.map(({ commands }, i) => ({ commands, printed: answers[i] }))
    expect(conversation(printed.slice(1))).toEqual(conversation(blocks.map((block) => block.printed)))
    expect(blocks.length).toBeGreaterThan(7)
  })

  it('lists every metric with its labels, and no other', async () => {
    const table = new Map<string, string>()
    for (const [, names = '', labels = ''] of page.matchAll(/^\| (`[a-z_0-9`, ]+`) \|[^|]*\|([^|]*)\|/gm)) {
      for (const [, name = ''] of names.matchAll(/`([^`]+)`/g)) table.set(name, labels.trim())
    }
    await makeEverythingHappen(gateway)
    const { text } = await gateway.send('GET', '/metrics')
    const announced = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name as string)
    expect(new Set(table.keys())).toEqual(new Set(announced))
    for (const { name, labels } of parseMetrics(text)) {
      const family = table.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '')
      const shown = Object.keys(labels).filter((label) => label !== 'le')
      expect([name, shown.join(', ')]).toEqual([name, table.get(family)])
    }
  })
})

async function makeEverythingHappen(gateway: TestGateway): Promise<void> {
  const id = await gateway.open()
  await gateway.send('POST', '/demo/sessions/current/login', { id, json: { pers_no: 6, passwd: 'wrong' } })
  await gateway.send('DELETE', '/demo/sessions/0', { id })
}
