import { isIP } from 'node:net'
import { checkParameters, decoded } from '../../driver.ts'

/** The address of a Redis server and the credentials. */
export interface RedisAddress {
  readonly socket: { readonly path: string } | TcpAddress
  /** the address for messages, without user and password */
  readonly where: string
  readonly username: string
  readonly password: string
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
 * Parses `redis://user:password@host:port/database`, `rediss:` with TLS, and `unix:///path?db=0&user=…&password=…` or
 * `redis+unix:` for a Unix socket, where user and password may also precede an `@`.
 * @throws TypeError that names the wrong part
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
