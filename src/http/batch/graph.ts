/** A node of a dependency graph. */
export interface GraphNode {
  readonly id: string
  /** the ids of the nodes that must be done before this one */
  readonly dependsOn: ReadonlySet<string>
}

/** The order of a graph without cycles, or a cycle in it. */
export type Order<N> = { inOrder: N[] } | { cycle: string[] }

/**
 * Orders nodes so that each one comes after those it depends on, and otherwise keeps their order. If that is impossible,
 * returns the ids of a cycle, each of which depends on the next one.
 *
 * @param nodes nodes with unique ids, whose dependencies are among them
 */
export function dependencyOrder<N extends GraphNode>(nodes: readonly N[]): Order<N> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const inOrder: N[] = []
  const done = new Set<string>()
  /** The nodes whose dependencies are being visited, each with those that it has left. */
  const path: { node: N; left: Iterator<string> }[] = []
  const open = new Set<string>()
  const visit = (node: N): void => {
    path.push({ node, left: node.dependsOn.values() })
    open.add(node.id)
  }
  for (const start of nodes) {
    if (!done.has(start.id)) visit(start)
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { node, left } = top
      const next = left.next()
      if (next.done) {
        path.pop()
        open.delete(node.id)
        done.add(node.id)
        inOrder.push(node)
        continue
      }
      if (open.has(next.value)) {
        const ids = [...open]
        return { cycle: ids.slice(ids.indexOf(next.value)) }
      }
      const dependency = byId.get(next.value)
      if (dependency !== undefined && !done.has(next.value)) visit(dependency)
    }
  }
  return { inOrder }
}

/**
 * Runs each node once, as soon as those that it depends on are done, and nodes without unfinished dependencies
 * concurrently. Starts no further node once `isAborted` returns true.
 *
 * @param inOrder nodes in the order of `dependencyOrder`
 * @param run does the work of a node; never rejects. `before` has the results of the nodes that it depends on.
 * @returns the promises of the results by id, in that order; undefined for nodes that were not started
 */
export function runGraph<N extends GraphNode, R>(
  inOrder: readonly N[],
  run: (node: N, before: ReadonlyMap<string, R>) => Promise<R>,
  isAborted: () => boolean,
): Map<string, Promise<R | undefined>> {
  const started = new Map<string, Promise<R | undefined>>()
  for (const node of inOrder) started.set(node.id, runNode(node, started, run, isAborted))
  return started
}

async function runNode<N extends GraphNode, R>(
  node: N,
  started: ReadonlyMap<string, Promise<R | undefined>>,
  run: (node: N, before: ReadonlyMap<string, R>) => Promise<R>,
  isAborted: () => boolean,
): Promise<R | undefined> {
  const before = new Map<string, R>()
  for (const id of node.dependsOn) {
    const result = await started.get(id)
    if (result !== undefined) before.set(id, result)
  }
  return isAborted() ? undefined : await run(node, before)
}
