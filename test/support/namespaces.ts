import { execFile, execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { promisify } from 'node:util'
import type { Scope } from './scope.ts'

const run = promisify(execFile)

/**
 * Why network namespaces with bridges between them cannot be made, in the words of `ip` (`apt-get install iproute2`);
 * undefined if they can.
 */
export function namespacesFailure(): string | undefined {
  const id = process.pid.toString(36)
  const [namespace, bridge, port, peer] = [`kgt${id}`, `kgb${id}`, `kgp${id}`, `kgq${id}`]
  const ip = (...args: string[]): unknown => execFileSync('ip', args, { stdio: 'pipe' })
  try {
    ip('netns', 'add', namespace)
    try {
      ip('link', 'add', bridge, 'type', 'bridge')
      ip('link', 'del', bridge)
      ip('link', 'add', port, 'type', 'veth', 'peer', 'name', peer, 'netns', namespace)
      ip('link', 'del', port)
    } finally {
      ip('netns', 'del', namespace)
    }
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** One network, of which this process is a part too. */
export interface Network {
  /** the address of this process */
  readonly own: string
  /** Returns the address of a namespace. */
  address(namespace: number): string
  /** Loses all packets from and to a namespace from now on, without a sign: interfaces and routes stay as they are. */
  cut(namespace: number): Promise<void>
  /** Ends `cut`. */
  restore(namespace: number): Promise<void>
}

/** Network namespaces as if each were a machine. */
export interface Namespaces<N extends string> {
  readonly networks: Readonly<Record<N, Network>>
  /** Returns the beginning of a command line that runs a command in a namespace. */
  prefix(namespace: number): string[]
}

/** Makes namespaces, each of which is in all networks. They end with the scope. */
export async function startNamespaces<N extends string>(
  scope: Scope,
  count: number,
  names: readonly N[],
): Promise<Namespaces<N>> {
  const id = randomInt(0x1000, 0x10000).toString(16)
  // A random part of 10.128.0.0/9, for tests that run at the same time.
  const base = `10.${randomInt(128, 255)}.`
  const third = randomInt(0, 200)
  const namespace = (i: number): string => `kg${id}-${i}`
  for (let i = 0; i < count; i++) {
    await run('ip', ['netns', 'add', namespace(i)])
    scope.use(namespace(i), (name) => run('ip', ['netns', 'del', name]))
    await run('ip', ['-n', namespace(i), 'link', 'set', 'lo', 'up'])
  }
  const networks = {} as Record<N, Network>
  for (const [n, name] of names.entries()) {
    const bridge = `kg${id}b${n}`
    const port = (i: number): string => `kg${id}p${n}-${i}`
    const host = (last: number): string => `${base}${third + n}.${last}`
    await run('ip', ['link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0'])
    scope.use(bridge, () => run('ip', ['link', 'del', bridge]))
    await run('ip', ['addr', 'add', `${host(254)}/24`, 'dev', bridge])
    await run('ip', ['link', 'set', bridge, 'up'])
    const restore = async (i: number) => void (await run('ip', ['link', 'set', port(i), 'master', bridge, 'up']))
    for (let i = 0; i < count; i++) {
      const inside = `net${n}`
      await run('ip', ['link', 'add', port(i), 'type', 'veth', 'peer', 'name', inside, 'netns', namespace(i)])
      await run('ip', ['-n', namespace(i), 'addr', 'add', `${host(i + 1)}/24`, 'dev', inside])
      await run('ip', ['-n', namespace(i), 'link', 'set', inside, 'up'])
      await restore(i)
    }
    networks[name] = {
      own: host(254),
      address: (i) => host(i + 1),
      cut: async (i) => void (await run('ip', ['link', 'set', port(i), 'nomaster'])),
      restore,
    }
  }
  return { networks, prefix: (i) => ['ip', 'netns', 'exec', namespace(i)] }
}
