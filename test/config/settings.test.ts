import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flagName, readCommand, readConfig, variableName } from '../../src/config/command-line.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { parseServers } from '../../src/config/servers.ts'
import { SETTINGS } from '../../src/config/settings.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'komgate-config-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

function file(content: unknown): string {
  const path = join(dir, 'servers.json')
  writeFileSync(path, typeof content === 'string' || content instanceof Buffer ? content : JSON.stringify(content))
  return path
}

describe('readConfig', () => {
  it('defaults to the demo server and LysLysKOM on 127.0.0.1:5001', () => {
    const { http, limits, lyskom, servers } = readConfig([])
    const { host, port } = http
    const { sessionIdleMs, loginIdleMs } = limits
    const { keepaliveMs, keepaliveTimeoutMs } = lyskom
    expect([host, port, sessionIdleMs, loginIdleMs, keepaliveMs, keepaliveTimeoutMs]).toEqual([
      '127.0.0.1',
      5001,
      1_800_000,
      604_800_000,
      30_000,
      10_000,
    ])
    expect(parseServers(servers).servers).toEqual([
      { id: 'demo', name: 'Demo LysKOM', demo: true, host: '', port: 0 },
      { id: 'lyskom', name: 'LysLysKOM', demo: false, host: 'kom.lysator.liu.se', port: 4894 },
    ])
  })

  it('accepts every setting as a flag and as a variable, and the flag overrides the variable', () => {
    for (const name of Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) {
      const value = name === 'servers' ? file({ a: { name: 'A', host: 'h' } }) : SETTINGS[name].fallback
      expect(() => readConfig([`--${flagName(name)}`, value])).not.toThrow()
      expect(() => readConfig([], { [variableName(name)]: value })).not.toThrow()
    }
    expect(variableName('sessionIdleMs')).toBe('KOMGATE_SESSION_IDLE_MS')
    expect(readConfig([], { KOMGATE_PORT: '0', KOMGATE_SESSION_IDLE_MS: '5' })).toMatchObject({
      http: { port: 0 },
      limits: { sessionIdleMs: 5 },
    })
    expect(readConfig(['--port', '7'], { KOMGATE_PORT: '8' }).http.port).toBe(7)
    expect(readConfig(['--cors-origins', 'https://a.example, http://b.example:8080']).http.corsOrigins).toEqual([
      'https://a.example',
      'http://b.example:8080',
    ])
  })

  it('keeps the order of the servers, and uses port 4894 by default', () => {
    const servers = file({ b: { name: 'B', host: 'b.example' }, a: { name: 'A', host: 'a.example', port: 1 } })
    expect(parseServers(readConfig(['--servers', servers]).servers).servers).toEqual([
      { id: 'b', name: 'B', demo: false, host: 'b.example', port: 4894 },
      { id: 'a', name: 'A', demo: false, host: 'a.example', port: 1 },
    ])
  })

  it.each([
    [['--port', '99999'], {}, 'command line: --port: must be a whole number from 0 to 65535'],
    [['--port', '-1'], {}, /^command line: .*--port/],
    [['--nonsense'], {}, /^command line: Unknown option '--nonsense'/],
    [['extra'], {}, /^command line: Unexpected argument 'extra'/],
    [['--host', ''], {}, 'command line: --host: must be a host name or an address'],
    [[], { KOMGATE_PORT: 'x' }, 'environment: KOMGATE_PORT: must be a whole number from 0 to 65535'],
    [
      [],
      { KOMGATE_KEEPALIVE_MS: '0' },
      'environment: KOMGATE_KEEPALIVE_MS: must be a whole number from 1 to 2147483647',
    ],
    [[], { KOMGATE_PROT: '1' }, 'environment: KOMGATE_PROT: there is no such setting'],
    [[], { KOMGATE_CORS_ORIGINS: 'example.org' }, /^environment: KOMGATE_CORS_ORIGINS: must be \* or origins/],
    [[], { KOMGATE_LOG_LEVEL: 'loud' }, /^environment: KOMGATE_LOG_LEVEL: must be trace/],
    [
      [],
      { KOMGATE_TRUSTED_PROXIES: '10.0.0.0/8,proxy.example.org' },
      /^environment: KOMGATE_TRUSTED_PROXIES: must be addresses and networks/,
    ],
    [
      ['--forwarded-header', 'X-Real-IP'],
      {},
      /^command line: --forwarded-header: must be x-forwarded-for or forwarded/,
    ],
    [['--servers', '/nowhere.json'], {}, '/nowhere.json: there is no such file'],
  ])('rejects %j %j with a one-line error', (args, env, message) => {
    const attempt = () => readConfig(args, env as Record<string, string>)
    expect(attempt).toThrow(ConfigError)
    expect(attempt).toThrow(message)
    try {
      attempt()
    } catch (error) {
      expect((error as Error).message).not.toContain('\n')
    }
  })

  it.each([
    ['{nope', /JSON/],
    ['[]', 'must be an object keyed by server id'],
    ['{}', 'must list at least one server'],
    [{ a: 5 }, 'a: must be an object'],
    [{ a: { name: 'A', demo: false } }, 'a.demo: must be true'],
    [{ a: { name: 'A', host: 'http://x/' } }, 'a.host: must be a host name or an address'],
    [{ '7': { name: 'A', host: 'h' } }, /7: a server id is/],
    [{ a: { name: 'A', host: 'h', port: 99999 } }, 'a.port: must be a whole number from 1 to 65535'],
    [{ a: { name: 'A', host: 'h', port: '1' } }, 'a.port: must be a whole number from 1 to 65535'],
    [{ a: { name: 'A', host: 'h', prot: 1 } }, 'a.prot: there is no such key'],
    [{ a: { name: 'A' } }, 'a.host: is missing'],
    [{ a: { host: 'h' } }, 'a.name: is missing'],
    [{ a: { name: '', host: 'h' } }, 'a.name: must not be empty'],
    [{ a: { name: 'A', demo: true, host: 'h' } }, 'a.host: there is no such key'],
    [{ 'a/b': { name: 'A', host: 'h' } }, /a\/b: a server id is/],
    ['{"__proto__": {"name": "A", "host": "h"}}', /__proto__: a server id is/],
    [{ stats: { name: 'A', host: 'h' } }, 'stats: is a path of the gateway itself'],
  ])('rejects servers.json %j with the file, the field and the reason', (content, message) => {
    const path = file(content)
    expect(() => readConfig(['--servers', path])).toThrow(message)
    expect(() => readConfig(['--servers', path])).toThrow(path)
  })

  it.each([
    ['h:4894'],
    ['kom.example.org:4894'],
    ['[::1]'],
    ['tcp://h'],
    ['tcp:h'],
    [' h'],
    ['h '],
    ['two words'],
    ['h..'],
    ['.h'],
    ['h_.-'],
    ['256.1.1.1'],
    ['1:2'],
    ['user@h'],
    [''],
    [`${'a'.repeat(64)}.example`],
  ])('rejects %j as a host in servers.json, --host and --admin-host', (host) => {
    const servers = file({ a: { name: 'A', host } })
    expect(() => readConfig(['--servers', servers])).toThrow(`${servers}: a.host: must be a host name or an address`)
    for (const flag of ['--host', '--admin-host']) {
      expect(() => readConfig([flag, host])).toThrow(new RegExp(`^command line: ${flag}: must `))
    }
  })

  it.each(['kom.example.org.', 'h', 'a_b.c-d', '127.0.0.1', '::1', 'fe80::1%eth0', '0.0.0.0', '::'])(
    'accepts %j as a host',
    (host) => {
      expect(readConfig(['--servers', file({ a: { name: 'A', host } }), '--host', host])).toMatchObject({
        http: { host },
        servers: { a: { host } },
      })
    },
  )

  it.each([
    ['{"a": {"name": "A", "host": "h"}, "a": {"name": "B", "host": "h"}}', 'servers.json: a: duplicate key'],
    ['{"a": {"name": "A", "host": "h", "host": "i"}}', 'servers.json: a.host: duplicate key'],
    ['{"a": {"name": "A", "host": "h", "\\u0068ost": "i"}}', 'servers.json: a.host: duplicate key'],
    [
      '{"a": {"name": "{\\"a\\": [", "host": "h"}, "b": {"port": 1, "name": "B", "host": "h", "port": 2}}',
      'servers.json: b.port: duplicate key',
    ],
    [Buffer.from('{"a": {"name": "Malm\xf6", "host": "h"}}', 'latin1'), 'servers.json: a.name: is not UTF-8'],
    [Buffer.from('{"a": {"name": "A", "host": "h"}, "\xf6": 1}', 'latin1'), 'servers.json: is not UTF-8'],
    [Buffer.from('{"a": {"name": "\\u00f6", "host": "h\xff"}}', 'latin1'), 'servers.json: a.host: is not UTF-8'],
    [Buffer.from('{"a": {"name": "A", "host": "h"}}', 'utf16le'), /servers\.json: \S/],
    [{ a: [] }, 'servers.json: a: must be an object'],
    [{ a: { name: '  ', host: 'h' } }, 'servers.json: a.name: must not be empty'],
    [{ a: { name: 'A\u001b[31m', host: 'h' } }, 'servers.json: a.name: must not hold control characters'],
    [{ 'a\n\u202eb': { name: 'A', host: 'h' } }, 'servers.json: a\\u{a}\\u{202e}b: a server id is'],
    [{ docs: { name: 'A', host: 'h' } }, 'servers.json: docs: is a path of the gateway itself'],
    [{ app: { name: 'A', host: 'h' } }, 'servers.json: app: is a path of the gateway itself'],
    [{ websocket: { name: 'A', host: 'h' } }, 'servers.json: websocket: is a path of the gateway itself'],
  ])('rejects servers.json %j and names the field', (content, message) => {
    expect(() => readConfig(['--servers', file(content)])).toThrow(message)
  })

  it('accepts a byte order mark, and equal keys in different objects', () => {
    const text = JSON.stringify({ a: { name: 'Å', host: 'h' }, b: { name: 'Å', host: 'h' } })
    expect(readConfig(['--servers', file(`\ufeff${text}`)]).servers).toMatchObject({
      a: { name: 'Å' },
      b: { name: 'Å' },
    })
  })

  it('rejects an admin port that equals the main port', () => {
    const message = 'must differ from the port that komgate listens on'
    expect(() => readConfig(['--port', '7', '--admin-port', '7'])).toThrow(`command line: --admin-port: ${message}`)
    expect(() => readConfig(['--port', '7'], { KOMGATE_ADMIN_PORT: '7' })).toThrow(
      `environment: KOMGATE_ADMIN_PORT: ${message}`,
    )
    expect(readConfig(['--port', '0', '--admin-port', '0']).admin.adminPort).toBe(0)
    expect(readConfig(['--port', '7', '--host', '127.0.0.2', '--admin-port', '7']).admin.adminPort).toBe(7)
  })

  it.each([
    [
      '--admin-port',
      ['--port', '8', '--admin-port', '7'],
      'must differ from the port that komgate listens on, for each',
    ],
    ['--admin-port', ['--admin-port', '65535'], 'is too high: there is no port for each worker up to 65535'],
    ['--node-url', ['--port', '8', '--node-url', 'http://127.0.0.1:7'], 'must have another port than the one'],
    ['--node-url', ['--port', '8', '--host', '0.0.0.0', '--node-url', 'http://h:7'], 'must have another port than'],
    ['--node-url', ['--node-url', 'http://127.0.0.1:65535'], 'is too high'],
    [
      '--admin-port',
      ['--node-url', 'http://127.0.0.1:7', '--admin-port', '8'],
      'must differ from the port of the node',
    ],
    [
      '--admin-port',
      ['--node-url', 'http://127.0.0.1:8', '--admin-port', '7'],
      'must differ from the port of the node',
    ],
  ])('rejects %s if two workers cannot have it: %j', (flag, args, message) => {
    const workers = ['--workers', '2', '--cluster', 'redis://h', '--cluster-key', 'k'.repeat(32)]
    expect(() => readConfig([...workers, ...args])).toThrow(`command line: ${flag}: ${message}`)
  })

  /** The variables of a Service with two ports, as Kubernetes sets them. */
  const serviceVariables = (name: string, ip: string): Record<string, string> => ({
    [`${name}_SERVICE_HOST`]: ip,
    [`${name}_SERVICE_PORT`]: '5001',
    [`${name}_SERVICE_PORT_HTTP`]: '5001',
    [`${name}_SERVICE_PORT_METRICS_2`]: '5002',
    [`${name}_PORT`]: `tcp://${ip}:5001`,
    [`${name}_PORT_5001_TCP`]: `tcp://${ip}:5001`,
    [`${name}_PORT_5001_TCP_PROTO`]: 'tcp',
    [`${name}_PORT_5001_TCP_PORT`]: '5001',
    [`${name}_PORT_5001_TCP_ADDR`]: ip,
    [`${name}_PORT_5002_UDP`]: `udp://${ip}:5002`,
    [`${name}_PORT_5002_UDP_PROTO`]: 'udp',
    [`${name}_PORT_5002_UDP_PORT`]: '5002',
    [`${name}_PORT_5002_UDP_ADDR`]: ip,
  })

  it.each(['KOMGATE', 'KOMGATE_ADMIN', 'KOMGATE_PROD_2'])('ignores Kubernetes variables of the Service %s', (name) => {
    for (const ip of ['10.96.0.7', 'fd00:10:96::7']) {
      const env = serviceVariables(name, ip)
      expect(readConfig([], env)).toMatchObject({ http: { port: 5001 }, admin: { adminPort: undefined } })
      for (const [variable, value] of Object.entries(env))
        expect(() => readConfig([], { [variable]: value })).not.toThrow()
      expect(readConfig([], { ...env, KOMGATE_PORT: '7' }).http.port).toBe(7)
      expect(readConfig(['--port', '8', '--admin-port', '9'], env)).toMatchObject({
        http: { port: 8 },
        admin: { adminPort: 9 },
      })
    }
  })

  it.each([
    ['KOMGATE_PROT', 'tcp://10.0.0.1:5001'],
    ['KOMGATE_PORT', 'http://10.0.0.1:5001'],
    ['KOMGATE_PORT', 'tcp://10.0.0.1'],
    ['KOMGATE_PORT_5001_TCP', '5001'],
    ['KOMGATE_PORT_HTTP_TCP', 'tcp://10.0.0.1:5001'],
    ['KOMGATE_SERVICE_HOST', 'example'],
    ['KOMGATE_SERVICE_PORTS', '5001'],
    ['KOMGATE_SERVICES_PORT', '5001'],
    ['KOMGATE_SERVER', 'tcp://10.0.0.1:5001'],
    ['KOMGATE_HOST', 'tcp://10.0.0.1:5001'],
  ])('rejects the variable %s=%s, which Kubernetes does not set', (variable, value) => {
    expect(() => readConfig([], { [variable]: value })).toThrow(`environment: ${variable}: `)
  })

  it('returns a frozen configuration', () => {
    const config = readConfig([])
    expect([config, config.http, config.servers.demo].map(Object.isFrozen)).toEqual([true, true, true])
  })

  it('recognizes --help, --version and --check', () => {
    expect(readCommand(['--help'], {}).action).toBe('help')
    expect(readCommand(['--version'], {}).action).toBe('version')
    expect(readCommand(['--check'], {}).action).toBe('check')
  })
})
