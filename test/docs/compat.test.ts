import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { COMPAT_APIS } from '../../src/compat/compat-apis.ts'
import { consoleBlocks, curlMissing, runBlocks } from '../support/console.ts'
import { startTestGateway } from '../support/gateway.ts'

const skip = await curlMissing()

it.skipIf(skip).each(COMPAT_APIS)('docs/compat/%s.md shows a conversation that works as printed', async (api) => {
  const page = readFileSync(new URL(`../../docs/compat/${api}.md`, import.meta.url), 'utf8')
  const [, keys = ''] = /KOMGATE_APP_KEYS=(\S+)/.exec(page) ?? []
  const gateway = await startTestGateway([{ id: 'demo', demo: true }], {
    compat: [api],
    apps: [{ id: 'forum', name: 'The forum' }],
    appKeys: keys.split(',').map((each) => {
      const [app = '', key = ''] = each.split(':')
      return { app, key }
    }),
  })
  const blocks = consoleBlocks(page)
  const printed = await runBlocks(blocks, gateway.url)
  await gateway.close()
  // Block by block, so that a difference shows the commands it comes from.
  const conversation = (answers: readonly (string[] | undefined)[]) =>
    blocks.map(({ commands }, i) => ({ commands, printed: answers[i] }))
  expect(conversation(printed)).toEqual(conversation(blocks.map((block) => block.printed)))
  expect(blocks.length).toBeGreaterThan(3)
})
