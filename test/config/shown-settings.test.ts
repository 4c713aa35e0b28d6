import { describe, expect, it } from 'vitest'
import { readCommand } from '../../src/config/command-line.ts'
import { completeOptions, type GatewayOptions } from '../../src/config/config.ts'
import { SETTING_NAMES } from '../../src/config/settings.ts'
import { shownSettings } from '../../src/config/shown-settings.ts'
import { MemoryBackend } from '../../src/store/backends/memory.ts'

const KEY = 'a-key-of-sixteen-letters'

function shown(args: readonly string[], env: Record<string, string> = {}) {
  const { config, settings } = readCommand(args, env)
  if (config === undefined) throw new Error('no configuration')
  const options: GatewayOptions = { ...config, command: settings }
  const list = shownSettings(completeOptions(options), options)
  return { list, byName: Object.fromEntries(list.map((setting) => [setting.name, setting])) }
}

describe('shownSettings', () => {
  it('lists every setting with its value as text and the place it is from', () => {
    const { list, byName } = shown(['--port', '7', '--cors-origins', 'https://a.example,https://b.example'], {
      KOMGATE_PORT: '8',
      KOMGATE_MAX_SESSIONS: '9',
    })
    expect(list.map(({ name }) => name)).toEqual(SETTING_NAMES)
    expect(byName.port).toEqual({
      name: 'port',
      flag: '--port',
      variable: 'KOMGATE_PORT',
      value: '7',
      default: '5001',
      source: 'flag',
      is_masked: false,
      description: 'port to listen on; 0 picks a free one',
    })
    expect(byName.corsOrigins?.value).toBe('https://a.example,https://b.example')
    expect([byName.maxSessions?.value, byName.maxSessions?.source]).toEqual(['9', 'environment'])
    expect([byName.adminPort?.value, byName.adminPort?.source]).toEqual(['', 'default'])
    expect(byName.servers?.value).toMatch(/servers\.json$/)
    expect(byName.logLevel?.value).toBe('info')
  })

  it('distinguishes options from defaults in a program that embeds the gateway', () => {
    const options: GatewayOptions = { servers: { demo: { name: 'Demo', demo: true } }, limits: { maxSessions: 3 } }
    const list = shownSettings(completeOptions(options), options)
    const byName = Object.fromEntries(list.map((setting) => [setting.name, setting]))
    expect([byName.maxSessions?.value, byName.maxSessions?.source]).toEqual(['3', 'option'])
    expect([byName.demoQuiet?.value, byName.demoQuiet?.default, byName.demoQuiet?.source]).toEqual([
      'true',
      'true',
      'default',
    ])
    expect([byName.servers, byName.logLevel]).toEqual([undefined, undefined])
  })

  it('masks keys, and shows which applications have one', () => {
    const { list, byName } = shown(['--admin-key', KEY], { KOMGATE_APP_KEYS: 'one:first-secret,*:second:secret' })
    expect(byName.adminKey).toMatchObject({ value: '…', is_masked: true, source: 'flag' })
    expect(byName.appKeys).toMatchObject({ value: 'one:…,*:…', is_masked: true })
    expect(JSON.stringify(list)).not.toMatch(/a-key|secret(?!s)/)
    expect(shown([]).byName.adminKey).toMatchObject({ value: '', is_masked: false })
  })

  it.each([
    ['memory:', 'memory:'],
    ['redis://kom.example:6379/2', 'redis://kom.example:6379/2'],
    ['redis://:s3cret@kom.example:6379', 'redis://…@kom.example:6379'],
    ['postgres://user:s3cret@kom.example/db', 'postgres://…@kom.example/db'],
    ['postgres://kom.example/db?user=u&password=s3cret', 'postgres://kom.example/db?…'],
    ['postgres://user:1/s3cret@kom.example/db', 'postgres:…'],
    ['unix:///run/redis.sock?password=s3cret', 'unix:///run/redis.sock?…'],
    ['postgres://user:s3cret@/db?host=/run/pg', 'postgres://…@localhost/db?…'],
    ['sqlite:/var/lib/kom gate.db', 'sqlite:/var/lib/kom%20gate.db'],
    ['mongodb://u:s3cret@a.example:1,b.example:2/db', 'mongodb://…@a.example%3A1,b.example:2/db'],
    ['mysql://u:s3%2Fcret@kom.example/db', 'mysql://…@kom.example/db'],
  ])('shows the store %s as %s', (url, value) => {
    expect(shown(['--store', url]).byName.store?.value).toBe(value)
  })

  it('shows that the store is a backend of the program', () => {
    const store = new MemoryBackend({ maxRecords: 1, maxBytes: 1 })
    const options: GatewayOptions = { servers: { demo: { name: 'Demo', demo: true } }, store }
    const [setting] = shownSettings(completeOptions(options), options).filter(({ name }) => name === 'store')
    expect(setting).toMatchObject({ value: 'a backend of the program', default: 'memory:', source: 'option' })
  })
})
