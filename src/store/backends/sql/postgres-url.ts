import { connect } from 'node:net'
import { decoded } from '../../index.ts'
import { extractPool } from './url.ts'

/** The address of a PostgreSQL store and its connection options. */
export interface PostgresAddress {
  /** the URL for `pg` */
  readonly url: URL
  /** maximum number of connections */
  readonly pool: number
  /** host and port, or the directory of a Unix socket; for messages */
  readonly where: string
  /** timeout for connecting, milliseconds */
  readonly connectMs: number
  /** whether to use channel binding if the server supports it */
  readonly channelBinding: boolean
}

const NAME = 'PostgreSQL'
const CONNECT_MS = 4000
const SHORTEST_CONNECT_MS = 2000
/** Upper limit of `connect_timeout`, since HTTP requests wait this long if the server cannot be reached. */
const LONGEST_CONNECT_MS = 10_000
const DEFAULT_PORT = 5432

/** URL parameters that are passed to `pg`. Others would change the SQL protocol that the store depends on. */
const OF_PG = [
  'application_name',
  'fallback_application_name',
  'host',
  'idle_in_transaction_session_timeout',
  'lock_timeout',
  'options',
  'ssl',
  'sslcert',
  'sslkey',
  'sslmode',
  'sslnegotiation',
  'sslrootcert',
  'statement_timeout',
  'uselibpqcompat',
]

/** Parameters of libpq that `pg` does not support, with the values that may be ignored. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly string[]>> = {
  client_encoding: ['utf8', 'UTF8', 'auto'],
  gssencmode: ['disable', 'prefer'],
  keepalives: ['1'],
  load_balance_hosts: ['disable'],
  sslcompression: ['0'],
  sslsni: ['1'],
  target_session_attrs: ['any', 'primary', 'read-write'],
}

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']

/** The SSLRequest message at the start of a connection: length and code. The server replies S or N. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const YES = 0x53

/**
 * Parses a PostgreSQL URL as libpq does (https://www.postgresql.org/docs/current/libpq-connect.html) and converts it
 * for `pg`.
 * @param given the store URL, `postgres://user:password@host:5432/database`
 * @throws TypeError that names an invalid or unknown parameter
 */
export async function postgresAddress(given: URL): Promise<PostgresAddress> {
  const ofLibpq = ['connect_timeout', 'channel_binding', 'user', 'port', 'dbname', ...Object.keys(WITHOUT_EFFECT)]
  const { pool, rest: url } = extractPool(given, NAME, [...OF_PG, ...ofLibpq])
  const extract = (name: string): string | undefined => {
    const value = url.searchParams.get(name)
    url.searchParams.delete(name)
    return value ?? undefined
  }
  for (const [name, values] of Object.entries(WITHOUT_EFFECT)) {
    const value = extract(name)
    if (value !== undefined && !values.includes(value)) throw wrong(name, values)
  }
  moveAddress(url, extract)
  const connectMs = connectMsOf(extract('connect_timeout'))
  const host = url.searchParams.get('host') ?? decoded(url.hostname)
  const isSocket = host.startsWith('/')
  await setSslMode(url, host.replace(/^\[(.*)\]$/, '$1'), isSocket, connectMs)
  const channelBinding = channelBindingOf(extract('channel_binding'), url)
  return { url, pool, where: isSocket ? host : url.host, connectMs, channelBinding }
}

/** Moves host, user, port and database from the query to their places in the URL. */
function moveAddress(url: URL, extract: (name: string) => string | undefined): void {
  if (url.hostname === '') url.hostname = 'localhost'
  const [user, port, database] = [extract('user'), extract('port'), extract('dbname')]
  if (user !== undefined) url.username = encodeURIComponent(user)
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new TypeError('"port" must be a number')
  if (port !== undefined) url.port = port
  if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`
}

/** Parses `connect_timeout` like libpq: whole seconds, at least 2, 0 for the default. Returns milliseconds. */
function connectMsOf(seconds = '0'): number {
  if (!/^\d{1,9}$/.test(seconds)) throw new TypeError('"connect_timeout" must be a whole number of seconds')
  if (Number(seconds) === 0) return CONNECT_MS
  return Math.min(Math.max(Number(seconds) * 1000, SHORTEST_CONNECT_MS), LONGEST_CONNECT_MS)
}

/**
 * Converts `sslmode` for `pg`. `allow` and `prefer` use TLS if the server supports it. The other modes verify the
 * server, except `no-verify` or with `uselibpqcompat`. Unix sockets have no TLS.
 */
async function setSslMode(url: URL, host: string, isSocket: boolean, ms: number): Promise<void> {
  const mode = url.searchParams.get('sslmode')
  if (url.searchParams.get('sslrootcert') === 'system') url.searchParams.delete('sslrootcert')
  if (mode === null) return
  if (!SSL_MODES.includes(mode)) throw wrong('sslmode', SSL_MODES)
  if (isSocket) url.searchParams.delete('sslmode')
  else if (mode === 'allow' || mode === 'prefer') {
    const isOffered = await hasTls(host, Number(url.port || DEFAULT_PORT), ms)
    url.searchParams.set('sslmode', isOffered ? 'no-verify' : 'disable')
    if (isOffered) url.searchParams.delete('uselibpqcompat')
  } else if (url.searchParams.get('uselibpqcompat') !== 'true' && mode !== 'disable' && mode !== 'no-verify') {
    // `pg` treats all of these as verify-full, but warns about the others.
    url.searchParams.set('sslmode', 'verify-full')
  }
}

function channelBindingOf(value: string | undefined, url: URL): boolean {
  const values = ['disable', 'prefer', 'require']
  if (value !== undefined && !values.includes(value)) throw wrong('channel_binding', values)
  const mode = url.searchParams.get('sslmode')
  if (value === 'require' && (mode === null || mode === 'disable')) {
    throw new TypeError('"channel_binding" can only be require with TLS, such as sslmode=require')
  }
  return value === 'prefer' || value === 'require'
}

/** Returns whether the server supports TLS; false if it cannot be reached. */
function hasTls(host: string, port: number, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: ms }, () => socket.write(SSL_REQUEST))
    const end = (isOffered: boolean): void => {
      socket.destroy()
      resolve(isOffered)
    }
    socket.once('data', ([reply]: Buffer) => end(reply === YES))
    socket
      .once('error', () => end(false))
      .once('timeout', () => end(false))
      .once('close', () => end(false))
  })
}

function wrong(name: string, values: readonly string[]): TypeError {
  return new TypeError(`"${name}" must be ${values.join(' or ')}`)
}
