import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, flagName, readCommand, readConfig, SETTINGS, variableName } from '../src/config.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'komgate-config-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

function file(content: unknown): string {
  const path = join(dir, 'servers.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('the configuration', () => {
  it('by default is the demo server and LysLysKOM on 127.0.0.1:5001', () => {
    const { host, port, servers, sessionIdleMs, keepaliveMs, keepaliveTimeoutMs } = readConfig([])
    expect([host, port, sessionIdleMs, keepaliveMs, keepaliveTimeoutMs]).toEqual([
      '127.0.0.1',
      5001,
      1_800_000,
      30_000,
      10_000,
    ])
    expect(servers).toEqual([
      { id: 'demo', name: 'Demo LysKOM', demo: true, host: '', port: 0 },
      { id: 'lyskom', name: 'LysLysKOM', demo: false, host: 'kom.lysator.liu.se', port: 4894 },
    ])
  })

  it('takes every setting as a flag and as a variable; the flag wins', () => {
    for (const name of Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) {
      const value = name === 'servers' ? file({ a: { name: 'A', host: 'h' } }) : SETTINGS[name].fallback
      expect(() => readConfig([`--${flagName(name)}`, value])).not.toThrow()
      expect(() => readConfig([], { [variableName(name)]: value })).not.toThrow()
    }
    expect(variableName('sessionIdleMs')).toBe('KOMGATE_SESSION_IDLE_MS')
    expect(readConfig([], { KOMGATE_PORT: '0', KOMGATE_SESSION_IDLE_MS: '5' })).toMatchObject({
      port: 0,
      sessionIdleMs: 5,
    })
    expect(readConfig(['--port', '7'], { KOMGATE_PORT: '8' }).port).toBe(7)
    expect(readConfig(['--cors-origins', 'https://a.example, http://b.example:8080']).corsOrigins).toEqual([
      'https://a.example',
      'http://b.example:8080',
    ])
  })

  it('keeps the order of the servers and gives them the registered port', () => {
    const servers = file({ b: { name: 'B', host: 'b.example' }, a: { name: 'A', host: 'a.example', port: 1 } })
    expect(readConfig(['--servers', servers]).servers).toEqual([
      { id: 'b', name: 'B', demo: false, host: 'b.example', port: 4894 },
      { id: 'a', name: 'A', demo: false, host: 'a.example', port: 1 },
    ])
  })

  it.each([
    [['--port', '99999'], {}, 'command line: --port: must be a whole number from 0 to 65535'],
    [['--port', '-1'], {}, /^command line: .*--port/],
    [['--nonsense'], {}, /^command line: Unknown option '--nonsense'/],
    [['extra'], {}, /^command line: Unexpected argument 'extra'/],
    [['--host', ''], {}, 'command line: --host: must name an address'],
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
  ])('%j %j stops the start in one line', (args, env, message) => {
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
    ['{}', 'lists no server'],
    [{ a: 5 }, 'a: must be an object'],
    [{ a: { name: 'A', demo: false } }, 'a.demo: must be true where it is given'],
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
  ])('servers.json %j names file, key and reason', (content, message) => {
    const path = file(content)
    expect(() => readConfig(['--servers', path])).toThrow(message)
    expect(() => readConfig(['--servers', path])).toThrow(path)
  })

  it('is frozen', () => {
    const config = readConfig([])
    expect([config, config.servers, config.servers[0]].map(Object.isFrozen)).toEqual([true, true, true])
  })

  it('knows what else a command line may ask for', () => {
    expect(readCommand(['--help'], {}).action).toBe('help')
    expect(readCommand(['--version'], {}).action).toBe('version')
    expect(readCommand(['--check'], {}).action).toBe('check')
  })
})
