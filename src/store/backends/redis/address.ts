import { isIP } from 'node:net'
import { checkParameters, decoded } from '../../index.ts'

/** The address of a Redis server and the credentials. */
export interface RedisAddress {
  /** the path of a Unix socket, or host and port */
  readonly socket: { readonly path: string } | TcpAddress
  /** the address for messages, without user and password */
  readonly where: string
  /** empty for the default user */
  readonly username: string
  /** empty for no password */
  readonly password: string
  /** number of the database */
  readonly database: number
}

interface TcpAddress {
  readonly host: string
  readonly port: number
  readonly tls?: true
  readonly servername?: string
}

const PORT = 6379
const OF_SOCKETS = ['db', 'user', 'username', 'pass', 'password']

/**
 * Parses the URL of a Redis store: `redis://user:password@host:port/database`, `rediss:` with TLS, or
 * `unix:///path?db=0&user=…&password=…` and `redis+unix:` for a Unix socket, with user and password in the query or
 * before an `@`.
 * @throws TypeError that names the invalid part
 */
export function redisAddress(url: URL): RedisAddress {
  const { protocol, hostname, pathname, searchParams } = url
  const isSocket = protocol === 'unix:' || protocol === 'redis+unix:'
  checkParameters(url, 'Redis', isSocket ? OF_SOCKETS : [])
  const parameter = (...names: string[]) => names.map((name) => searchParams.get(name)).find((value) => value !== null)
  const database = isSocket ? (parameter('db') ?? '') : pathname.replace(/^\//, '')
  if (!/^\d{0,4}$/.test(database)) {
    const place = isSocket ? '"db"' : 'the path'
    throw new TypeError(`${place} of Redis store URLs must be the number of a database`)
  }
  const login = {
    username: decoded(url.username) || (parameter('user', 'username') ?? ''),
    password: decoded(url.password) || (parameter('pass', 'password') ?? ''),
    database: Number(database),
  }
  if (!isSocket) return { ...login, socket: tcpAddress(url), where: url.host }
  const path = decoded(pathname)
  if (hostname !== '' && hostname !== 'localhost') throw new TypeError('Unix socket URLs have no host: unix:///path')
  if (path === '' || path.endsWith('/')) throw new TypeError('Unix socket URLs must name a socket: unix:///path')
  return { ...login, socket: { path }, where: path }
}

function tcpAddress({ protocol, hostname, port }: URL): TcpAddress {
  const host = hostname === '' ? 'localhost' : decoded(hostname).replace(/^\[(.*)\]$/, '$1')
  const tls = protocol === 'rediss:' ? { tls: true as const, ...(isIP(host) ? {} : { servername: host }) } : {}
  return { host, port: port === '' ? PORT : Number(port), ...tls }
}
