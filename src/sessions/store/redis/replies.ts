/**
 * Error replies that say something about the server and not about the command. A script's error has the name of the
 * command's error in front (Redis 7) or somewhere inside (Redis 6).
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

/** A server that is not, or no longer, the master: another connection may lead to the new one. */
const DEMOTED: ReadonlySet<string> = new Set<ReplyName>(['LOADING', 'MASTERDOWN', 'NOREPLICAS', 'READONLY'])
const OF_CLUSTERS: ReadonlySet<string> = new Set<ReplyName>(['ASK', 'CLUSTERDOWN', 'CROSSSLOT', 'MOVED', 'TRYAGAIN'])

/** The name of an error reply; `connection` for an error that is no such reply. */
export function replyKind(error: unknown): ReplyName | 'connection' {
  const [, name] = error instanceof Error ? (NAME.exec(error.message) ?? []) : []
  return (name as ReplyName | undefined) ?? 'connection'
}

/** Whether the server is not the one to write to now. */
export function isDemoted(error: unknown): boolean {
  return DEMOTED.has(replyKind(error))
}

/** Whether the server is a node of a Redis Cluster. */
export function isOfCluster(error: unknown): boolean {
  return OF_CLUSTERS.has(replyKind(error))
}

export const NO_CLUSTER =
  'Redis Cluster is not supported as a session store: use one Redis server, or a master and replicas behind one address'
