import { readConfig } from '../../src/config/command-line.ts'
import { type Config, configOf, type SettingValues } from '../../src/config/config.ts'
import type { AppConfig, ServerConfig } from '../../src/config/servers.ts'

/** An entry of servers.json; host, port and name have defaults. */
export type TestServer = Partial<ServerConfig> & { id: string }

/** Settings by name, and the applications. */
export type TestSettings = Partial<SettingValues> & { apps?: readonly AppConfig[] }

const { http, admin, limits, lyskom, compat, demo, cluster, store, logLevel } = readConfig()
/** The default values of all settings. */
export const DEFAULTS = {
  ...{ ...http, ...admin, ...limits, ...lyskom, ...compat, ...demo, ...cluster },
  ...{ store, logLevel, servers: '' },
}

/** Returns a configuration with these servers and settings, on a free port. Demo servers are quiet by default. */
export function configFor(servers: readonly TestServer[], { apps = [], ...settings }: TestSettings = {}): Config {
  const byId = [
    ...servers.map(({ id, name = id, demo, host = '127.0.0.1', port = 1 }) => [
      id,
      demo ? { name, demo } : { name, host, port },
    ]),
    ...apps.map(({ id, name }) => [id, { name, app: true }]),
  ]
  return configOf({ ...DEFAULTS, port: 0, demoQuiet: true, ...settings }, Object.fromEntries(byId))
}
