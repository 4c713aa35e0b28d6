import { describe, expect, it } from 'vitest'
import { chromiumInstalled } from '../support/chromium.ts'
import { startCluster } from '../support/gateway.ts'
import { nginxInstalled } from '../support/nginx.ts'
import { redisInstalled } from '../support/redis-server.ts'
import { KEY, onConsoleStage, TEST_MS } from './console-stage.ts'
import { accessibilityViolations } from './reader-page.ts'

const INSTALLED = chromiumInstalled() && redisInstalled() && nginxInstalled()

describe.skipIf(!INSTALLED && !process.env.CI)('the console of a cluster', () => {
  const stage = onConsoleStage()

  it('lists the nodes, and the sessions of all of them', { timeout: TEST_MS }, async () => {
    const servers = [{ id: 'demo', demo: true }]
    const cluster = await startCluster(servers, { adminKey: KEY, leaseMs: 600_000 }, 2)
    stage.closing.push(() => cluster.close())
    for (const node of cluster.nodes) await node.open()
    const { page, close } = await stage.enter(cluster.nodes[0]?.url ?? '')
    const nodes = page.getByRole('region', { name: 'Nodes' }).getByRole('row')
    await nodes.nth(2).waitFor()
    expect(await nodes.nth(1).textContent()).toMatch(/answers this page[\da-f]{3}1\d+\.\d+\.\d+/)
    expect(await nodes.nth(2).textContent()).toMatch(/^http:\S+\d[\da-f]{3}1\d+\.\d+\.\d+/)
    expect(await accessibilityViolations(page)).toEqual([])

    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('row').filter({ hasText: 'demo' }).nth(1).waitFor()
    await close()
  })

  it('states that other nodes are missing while Redis is unavailable', { timeout: TEST_MS }, async () => {
    const cluster = await startCluster([{ id: 'demo', demo: true }], { adminKey: KEY, leaseMs: 600_000 }, 2)
    stage.closing.push(() => cluster.close())
    const { page, close } = await stage.enter(cluster.nodes[0]?.url ?? '')
    const rows = page.getByRole('region', { name: 'Nodes' }).getByRole('row')
    await rows.nth(2).waitFor()
    await cluster.redis.stop()
    const missing = page.getByText('Not complete: Redis does not answer')
    await missing.waitFor()
    // The head, and the node that answers.
    expect(await rows.count()).toBe(2)
    await cluster.redis.start()
    await missing.waitFor({ state: 'detached' })
    await close()
  })
})
