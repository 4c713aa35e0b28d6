import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DatabaseServer } from '../support/database-server.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startBySlot } from '../support/nginx.ts'
import { canStartCluster, onCluster, WHO_AM_I } from './stage.ts'

const DOCS = new URL('../../docs/operating/cluster.md', import.meta.url)
/** The addresses and slots in the documented configuration. */
const DOCUMENTED = [
  ['10.0.0.7:5001', '0a7'],
  ['10.0.0.8:5001', 'c31'],
  ['10.0.0.9:5001', '5e4'],
] as const

describe.skipIf(!canStartCluster)('nginx that chooses the node by its slot, as documented', () => {
  const stage = onCluster()
  let nginx: DatabaseServer
  let ids: string[]
  beforeAll(async () => {
    ids = await Promise.all(stage.cluster.nodes.map((node) => node.open()))
    const [, documented = ''] = /```nginx\n(upstream komgate_[\s\S]*?)```/.exec(readFileSync(DOCS, 'utf8')) ?? []
    const configured = stage.cluster.nodes.reduce((text, { url }, i) => {
      const [address, slot] = DOCUMENTED[i] as (typeof DOCUMENTED)[number]
      return text.replaceAll(address, new URL(url).host).replaceAll(slot, ids[i]?.slice(0, 3) ?? '')
    }, documented)
    nginx = await startBySlot(configured, portsOf(stage.cluster.nodes))
  })
  afterAll(() => nginx?.close())

  const status = async (id: string | undefined): Promise<number> => {
    const response = await fetch(nginx.url + WHO_AM_I, { headers: { 'httpkom-connection': id ?? '' } })
    await response.arrayBuffer()
    return response.status
  }
  const forwarded = async (): Promise<number> => {
    let sum = 0
    for (const node of stage.cluster.nodes) {
      const { text } = await node.send('GET', '/metrics')
      for (const [, count] of text.matchAll(/^komgate_forwarded_requests_total\{.*\} (\d+)$/gm)) sum += Number(count)
    }
    return sum
  }

  it('sends each request to the node of its session, so that none is forwarded', async () => {
    for (let i = 0; i < 4; i++) expect(await Promise.all(ids.map(status))).toEqual([200, 200, 200])
    expect(await forwarded()).toBe(0)
  })

  it('sends the requests of a node that has ended to the others, which respond with 403', async () => {
    await stage.cluster.nodes[0]?.close()
    for (let i = 0; i < 4; i++) expect(await Promise.all(ids.map(status))).toEqual([403, 200, 200])
  })
})

function portsOf(nodes: readonly TestGateway[]): number[] {
  return nodes.map(({ url }) => Number(new URL(url).port))
}
