import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dependencyOrder, type GraphNode, runGraph } from '../../../src/http/batch/graph.ts'

const node = (id: string, ...dependsOn: string[]): GraphNode => ({ id, dependsOn: new Set(dependsOn) })

/** Up to 30 nodes with any dependencies, cycles included. */
const anyGraph = fc.integer({ min: 1, max: 30 }).chain((n) =>
  fc.array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { maxLength: 2 * n }).map((edges) =>
    Array.from({ length: n }, (_, i) => ({
      id: String(i),
      dependsOn: new Set(edges.filter(([from]) => from === i).map(([, to]) => String(to))),
    })),
  ),
)
/** The same without cycles, in any order. */
const acyclic = anyGraph
  .map((nodes) =>
    nodes.map(({ id, dependsOn }) => ({
      id,
      dependsOn: new Set([...dependsOn].filter((each) => Number(each) < Number(id))),
    })),
  )
  .chain((nodes) => fc.shuffledSubarray(nodes, { minLength: nodes.length }))

const ordered = (nodes: GraphNode[]): GraphNode[] => {
  const order = dependencyOrder(nodes)
  if ('cycle' in order) throw new Error(`cycle: ${order.cycle}`)
  return order.inOrder
}

describe('dependencyOrder', () => {
  it('keeps the order of independent nodes', () => {
    expect(ordered([node('b'), node('a'), node('c')]).map(({ id }) => id)).toEqual(['b', 'a', 'c'])
  })

  it('puts a node after those that it depends on', () => {
    expect(ordered([node('a', 'c'), node('b', 'a'), node('c')]).map(({ id }) => id)).toEqual(['c', 'a', 'b'])
  })

  it.each([
    [['a'], [node('a', 'a')]],
    [
      ['a', 'b'],
      [node('x'), node('a', 'b'), node('b', 'a')],
    ],
    [
      ['b', 'c'],
      [node('a', 'b'), node('b', 'c'), node('c', 'b')],
    ],
  ])('reports the cycle %j', (cycle, nodes) => {
    expect(dependencyOrder(nodes)).toEqual({ cycle })
  })

  it('orders every graph without a cycle, and reports a real cycle of every other graph', () => {
    fc.assert(
      fc.property(anyGraph, (nodes) => {
        const order = dependencyOrder(nodes)
        if ('cycle' in order) {
          for (const [i, id] of order.cycle.entries()) {
            const next = order.cycle[(i + 1) % order.cycle.length]
            expect(nodes.find((each) => each.id === id)?.dependsOn).toContain(next)
          }
          return
        }
        expect(new Set(order.inOrder)).toEqual(new Set(nodes))
        const position = new Map(order.inOrder.map(({ id }, i) => [id, i]))
        for (const [i, { dependsOn }] of order.inOrder.entries()) {
          for (const id of dependsOn) expect(position.get(id)).toBeLessThan(i)
        }
      }),
    )
  })
})

describe('runGraph', () => {
  it('runs every node once, after its dependencies and with their results', async () => {
    await fc.assert(
      fc.asyncProperty(acyclic, fc.scheduler(), async (nodes, scheduler) => {
        const started: string[] = []
        const done = new Set<string>()
        const results = runGraph(
          ordered(nodes),
          async ({ id, dependsOn }, before: ReadonlyMap<string, string>) => {
            started.push(id)
            expect(before).toEqual(new Map([...dependsOn].map((each) => [each, `result of ${each}`])))
            for (const each of dependsOn) expect(done).toContain(each)
            await scheduler.schedule(Promise.resolve(), id)
            done.add(id)
            return `result of ${id}`
          },
          () => false,
        )
        await scheduler.waitFor(Promise.all(results.values()))
        expect(started).toHaveLength(nodes.length)
        expect(new Set(started)).toEqual(new Set(nodes.map(({ id }) => id)))
        for (const { id } of nodes) expect(await results.get(id)).toBe(`result of ${id}`)
      }),
    )
  })

  it('starts every node as soon as its dependencies are done', async () => {
    await fc.assert(
      fc.asyncProperty(acyclic, async (nodes) => {
        /** The nodes of each round, which ends all running nodes. */
        let running: { id: string; end: () => void }[] = []
        const rounds = new Map<string, number>()
        const results = runGraph(
          ordered(nodes),
          ({ id }) => new Promise<string>((resolve) => running.push({ id, end: () => resolve(id) })),
          () => false,
        )
        for (let round = 0; running.length > 0; round++) {
          const now = running
          running = []
          for (const { id, end } of now) {
            rounds.set(id, round)
            end()
          }
          await setImmediate()
        }
        for (const { id, dependsOn } of nodes) {
          const deepest = Math.max(-1, ...[...dependsOn].map((each) => rounds.get(each) ?? Number.NaN))
          expect(rounds.get(id)).toBe(deepest + 1)
        }
        await Promise.all(results.values())
      }),
    )
  })

  it('starts no further node after an abort', async () => {
    const started: string[] = []
    let isAborted = false
    const results = runGraph(
      ordered([node('a'), node('b', 'a'), node('c', 'b')]),
      async ({ id }) => {
        started.push(id)
        isAborted = true
        return id
      },
      () => isAborted,
    )
    expect(await Promise.all(results.values())).toEqual(['a', undefined, undefined])
    expect(started).toEqual(['a'])
  })
})
