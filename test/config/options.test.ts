import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { optionsSource } from '../../scripts/settings-docs.ts'
import { readConfig } from '../../src/config/command-line.ts'
import { completeOptions, type GatewayOptions } from '../../src/config/config.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { createGateway, startGateway } from '../../src/gateway.ts'
import { MemoryBackend } from '../../src/store/backends/memory.ts'

const servers = { demo: { name: 'Demo', demo: true } } as const

const KEY = 'k'.repeat(32)

describe('completeOptions', () => {
  it('completes missing options with the defaults of the settings, but keeps demo servers quiet', () => {
    const { servers: _, ...defaults } = readConfig()
    expect(defaults.demo.demoQuiet).toBe(false)
    expect(completeOptions({ servers })).toEqual({ ...defaults, demo: { ...defaults.demo, demoQuiet: true }, servers })
  })

  it('prefers options to defaults, and replaces undefined by the default', () => {
    const config = completeOptions({
      servers,
      store: 'redis://localhost',
      http: { corsOrigins: ['https://kom.example.org'], transports: ['cookie'], port: undefined as unknown as number },
      admin: { adminPort: 0 },
      limits: { maxSessions: 7 },
      compat: { compat: ['sessman'], appKeys: [{ app: '*', key: 'secret' }], insecureCompat: true },
    })
    expect(config.http).toMatchObject({ corsOrigins: ['https://kom.example.org'], transports: ['cookie'], port: 5001 })
    expect([config.store, config.admin.adminPort, config.limits.maxSessions]).toEqual(['redis://localhost', 0, 7])
    expect(config.compat).toMatchObject({ compat: ['sessman'], appKeys: [{ app: '*', key: 'secret' }] })
  })

  it.each<[object, string]>([
    [{ limits: { maxSessions: 0 } }, 'limits.maxSessions: must be a whole number from 1 to 1000000'],
    [{ limits: { maxSessions: 1.5 } }, 'limits.maxSessions: must be a whole number'],
    [{ limits: { maxSessions: '7' } }, 'limits.maxSessions: must be a whole number'],
    [{ limits: { maxSesions: 7 } }, 'limits.maxSesions: there is no such option'],
    [{ limit: {} }, 'limit: there is no such option'],
    [{ http: { corsOrigins: ['kom.example.org'] } }, 'http.corsOrigins: must be * or origins'],
    [{ http: { transports: ['telepathy'] } }, 'http.transports: must be some of bearer, cookie, query'],
    [{ http: { autoCreate: 'yes' } }, 'http.autoCreate: must be true or false'],
    [{ http: { basePath: '/kom/' } }, 'http.basePath: must be a path'],
    [{ store: 'file:x' }, 'store: must be a URL that begins with one of'],
    [{ store: {} }, 'store: must be a URL or a backend'],
    [{ store: null }, 'store: must be a URL or a backend'],
    [{ compat: { appKeys: [{ app: 'x', key: 'with space' }] } }, 'compat.appKeys: must be app:key'],
    [
      { http: { port: 7 }, admin: { adminPort: 7 } },
      'admin.adminPort: must differ from the port that komgate listens on',
    ],
    [{ cluster: { cluster: 'redis://h' } }, 'cluster.clusterKey: is missing'],
    [{ cluster: { cluster: 'redis://h', clusterKey: KEY } }, 'cluster.nodeUrl: is missing'],
    [
      { http: { port: 7 }, cluster: { cluster: 'redis://h', clusterKey: KEY, nodeUrl: 'http://127.0.0.1:7' } },
      'cluster.nodeUrl: must have another port than the one that komgate listens on',
    ],
    [
      {
        http: { httpStallMs: 20_000 },
        cluster: { cluster: 'redis://h', clusterKey: KEY, nodeUrl: 'http://127.0.0.1:7' },
      },
      'http.httpStallMs: must be longer than the ping interval of WebSockets on other nodes',
    ],
    [{ cluster: { nodeUrl: 'http://h:7/path' } }, 'cluster.nodeUrl: must be a URL such as'],
    [{ cluster: { clusterKey: 'short' } }, 'cluster.clusterKey: must be 32 or more characters'],
    [{ cluster: { cluster: 'http://h' } }, 'cluster.cluster: must be a URL such as redis://'],
    [{ servers: {} }, 'servers: must list at least one server'],
    [{ servers: { a: { name: 'A' } } }, 'servers.a.host: is missing'],
    [{ servers: { a: { name: 'A', host: 'h', port: 0 } } }, 'servers.a.port: must be a whole number'],
  ])('rejects %j with an error that names the option', async (options, message) => {
    expect(() => completeOptions({ servers, ...options } as GatewayOptions)).toThrow(message)
    await expect(createGateway({ servers, ...options } as GatewayOptions)).rejects.toThrow(ConfigError)
  })

  it('configures a gateway that starts without a logger and command-line arguments', async () => {
    const gateway = await startGateway({ servers, http: { port: 0 } })
    const response = await fetch(`${gateway.url}/`)
    await gateway.close()
    expect(await response.json()).toMatchObject({ demo: { name: 'Demo' } })
  })

  it('configures a gateway with a backend of the program, which it closes', async () => {
    const store = new MemoryBackend({ maxRecords: 10, maxBytes: 10_000 })
    const [insert, close] = [vi.spyOn(store, 'insert'), vi.spyOn(store, 'close')]
    const gateway = await createGateway({ servers, store })
    const body = JSON.stringify({ client: { name: 'test', version: '1' } })
    const created = await gateway.fetch(
      new Request('http://localhost/demo/sessions/', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }),
    )
    expect([created.status, insert.mock.calls.length, close.mock.calls.length]).toEqual([201, 1, 0])
    await gateway.close()
    expect(close).toHaveBeenCalledOnce()
  })

  it('accepts the options declared in src/config/options.ts, the output of `npm run docs`', () => {
    // The formatter changes the white space of the file.
    const code = (text: string) => text.replace(/\s+/g, ' ').replaceAll("'", '"')
    const file = readFileSync(new URL('../../src/config/options.ts', import.meta.url), 'utf8')
    expect(code(file)).toBe(code(optionsSource()))
  })
})
