/**
 * Names of error replies that concern the state of the server, not the command. The error of a script has the name at
 * the beginning (Redis 7) or inside the message (Redis 6).
 */
const NAMES = [
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'CROSSSLOT',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  'NOAUTH',
  'NOPERM',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'WRONGPASS',
] as const

type ReplyName = (typeof NAMES)[number]

const NAME = new RegExp(`(?:^|[\\s-])(${NAMES.join('|')})(?=\\s)`)

/** Errors of a server that is not the master, or not any more. A new connection may lead to the new master. */
const DEMOTED: ReadonlySet<string> = new Set<ReplyName>(['LOADING', 'MASTERDOWN', 'NOREPLICAS', 'READONLY'])
const OF_CLUSTERS: ReadonlySet<string> = new Set<ReplyName>(['ASK', 'CLUSTERDOWN', 'CROSSSLOT', 'MOVED', 'TRYAGAIN'])

/** Returns the name of an error reply; `connection` for other errors. */
export function replyKind(error: unknown): ReplyName | 'connection' {
  const [, name] = error instanceof Error ? (NAME.exec(error.message) ?? []) : []
  return (name as ReplyName | undefined) ?? 'connection'
}

/** Returns whether an error means that the server does not accept writes at present. */
export function isDemoted(error: unknown): boolean {
  return DEMOTED.has(replyKind(error))
}

/** Returns whether an error is specific to nodes of a Redis Cluster. */
export function isOfCluster(error: unknown): boolean {
  return OF_CLUSTERS.has(replyKind(error))
}

/** Error message for cluster nodes. */
export const NO_CLUSTER =
  'Redis Cluster is not supported as a session store: use one Redis server, or a master and replicas behind one address'
