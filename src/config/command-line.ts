import { parseArgs } from 'node:util'
import { type CommandSettings, type Config, configOf, conflictIn, type SettingValues } from './config.ts'
import { ConfigError } from './config-error.ts'
import { invalid, readJsonFile } from './json-file.ts'
import { isServiceVariable } from './kubernetes.ts'
import { parseServers, type Servers } from './servers.ts'
import { SETTING_NAMES, SETTINGS, type SettingName } from './settings.ts'

/** A parsed command line. */
export type Command =
  | { readonly action: 'help' | 'version'; readonly config?: undefined; readonly settings?: undefined }
  | { readonly action: 'run' | 'check'; readonly config: Config; readonly settings: CommandSettings }

type Environment = Readonly<Record<string, string | undefined>>
type Flags = Readonly<Record<string, unknown>>

/**
 * Reads the command line, the environment and `servers.json`. Flags override environment variables.
 * @param args the arguments of the command, without the program
 * @param env the environment variables
 * @throws ConfigError for an unknown or invalid setting, and for an invalid `servers.json`
 */
export function readCommand(args: readonly string[], env: Environment): Command {
  const flags = readFlags(args)
  if (flags.help) return { action: 'help' }
  if (flags.version) return { action: 'version' }
  return { action: flags.check ? 'check' : 'run', config: configure(flags, env), settings: settingsOf(flags, env) }
}

/**
 * Reads a configuration from flags and environment variables, as the command does: `readConfig(['--port', '0'])`.
 * @param args flags and their values; default: none
 * @param env environment variables; default: none
 * @throws ConfigError for an unknown or invalid setting, and for an invalid `servers.json`
 */
export function readConfig(args: readonly string[] = [], env: Environment = {}): Config {
  return configure(readFlags(args), env)
}

/** Returns where the settings are from. */
function settingsOf(flags: Flags, env: Environment): CommandSettings {
  const sources = SETTING_NAMES.map((name) => {
    if (flags[flagName(name)] !== undefined) return [name, 'flag']
    return readVariable(variableName(name), env) === undefined ? [name, undefined] : [name, 'environment']
  }).filter(([, source]) => source !== undefined)
  return { serversFile: readSetting('servers', flags, env) as string, sources: Object.fromEntries(sources) }
}

function configure(flags: Flags, env: Environment): Config {
  const values = readSettings(flags, env)
  const config = configOf(values, readServers(values.servers))
  const conflict = conflictIn(config)
  if (conflict !== undefined) throw new ConfigError(`${placeOf(conflict.name, flags)}: ${conflict.reason}`)
  return config
}

/**
 * Reads and validates a `servers.json`.
 * @throws ConfigError with the file, the field and the reason
 */
function readServers(file: string): Servers {
  const value = readJsonFile(file)
  parseServers(value, (path, reason) => invalid(file, path, reason))
  return value as Servers
}

/** Returns the command-line flag of a setting without the dashes: `session-idle-ms` for `sessionIdleMs`. */
export function flagName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Returns the environment variable of a setting: `KOMGATE_SESSION_IDLE_MS` for `sessionIdleMs`. */
export function variableName(name: SettingName): string {
  return `KOMGATE_${flagName(name).replaceAll('-', '_').toUpperCase()}`
}

function readFlags(args: readonly string[]): Flags {
  const switches = ['help', 'version', 'check'].map((name) => [name, { type: 'boolean' as const }])
  const values = SETTING_NAMES.map((name) => [flagName(name), { type: 'string' as const }])
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries([...switches, ...values]), strict: true }).values
  } catch (error) {
    throw new ConfigError(`command line: ${(error as Error).message.split('\n')[0]}`)
  }
}

function readSettings(flags: Flags, env: Environment): SettingValues {
  const known = new Set(SETTING_NAMES.map(variableName))
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('KOMGATE_') || known.has(variable)) continue
    if (readVariable(variable, env) === undefined) continue
    throw new ConfigError(`environment: ${variable}: there is no such setting`)
  }
  return Object.fromEntries(SETTING_NAMES.map((name) => [name, readSetting(name, flags, env)])) as SettingValues
}

/** Returns the value of an environment variable, undefined if Kubernetes has set it for a Service. */
function readVariable(variable: string, env: Environment): string | undefined {
  const value = env[variable]
  return value === undefined || isServiceVariable(variable, value) ? undefined : value
}

function placeOf(name: SettingName, flags: Flags): string {
  const isFlag = flags[flagName(name)] !== undefined
  return isFlag ? `command line: --${flagName(name)}` : `environment: ${variableName(name)}`
}

function readSetting(name: SettingName, flags: Flags, env: Environment): unknown {
  const flag = flags[flagName(name)] as string | undefined
  const variable = readVariable(variableName(name), env)
  const parsed = SETTINGS[name].schema.safeParse(flag ?? variable ?? SETTINGS[name].fallback)
  if (parsed.success) return parsed.data
  throw new ConfigError(`${placeOf(name, flags)}: ${parsed.error.issues[0]?.message}`)
}
