import type { TcpAddress } from '../connection/transport.ts'

/** Returns a key that ids of the same LysKOM server share. @param servers addresses by server id */
export function serverKey(servers: ReadonlyMap<string, TcpAddress> | undefined, serverId: string): string {
  const server = servers?.get(serverId)
  return server === undefined ? serverId : `${server.host.toLowerCase()} ${server.port}`
}
