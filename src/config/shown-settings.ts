import { z } from 'zod'
import type { AdminSetting } from '../http/output/schemas/index.ts'
import { parseStoreUrl } from '../store/url.ts'
import { flagName, variableName } from './command-line.ts'
import { type Config, embeddedDefault, type GatewayOptions } from './config.ts'
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName } from './settings.ts'

/** Stands for a secret. */
const MASK = '…'
/** The value of a store that is a backend of the program. */
const OWN_STORE = 'a backend of the program'

/** What shows a value without its secrets, by setting. All other settings have none. */
const MASKED: { readonly [N in SettingName]?: (text: string) => string } = {
  adminKey: () => MASK,
  clusterKey: () => MASK,
  appKeys: (text) => text.replace(/:[^,]*/g, `:${MASK}`),
  store: maskedStore,
  cluster: maskedStore,
}

/**
 * Returns the settings of a gateway without secrets, as `GET /admin/settings` shows them.
 * @param options the options from which the configuration was completed
 */
export function shownSettings(config: Config, options: GatewayOptions): AdminSetting[] {
  return SETTING_NAMES.flatMap((name) => {
    const value = settingValue(name, config, options)
    if (value === undefined) return []
    const { schema, fallback, help }: Setting = SETTINGS[name]
    const isOwnStore = name === 'store' && typeof options.store === 'object'
    const text = isOwnStore ? OWN_STORE : z.encode(schema, value.set)
    const byDefault = options.command === undefined ? embeddedDefault(name) : fallback
    const shown = text === '' || isOwnStore ? text : (MASKED[name]?.(text) ?? text)
    return {
      name,
      flag: `--${flagName(name)}`,
      variable: variableName(name),
      value: shown,
      default: byDefault,
      source: options.command?.sources[name] ?? (text === byDefault ? 'default' : 'option'),
      is_masked: shown !== text,
      description: help,
    }
  })
}

/** Returns the value of a setting; undefined for a setting of the command if it does not run. */
function settingValue(name: SettingName, config: Config, { command }: GatewayOptions): { set: unknown } | undefined {
  const { group } = SETTINGS[name]
  if (name === 'servers') return command && { set: command.serversFile }
  if (name === 'logLevel') return command && { set: config.logLevel }
  const values = (group === 'store' ? config : config[group as 'http']) as Readonly<Record<string, unknown>>
  return { set: values[name] }
}

/** Returns a store URL without user, password and parameters. */
function maskedStore(text: string): string {
  const { protocol, username, password, host, pathname, search } = parseStoreUrl(text)
  const user = username === '' && password === '' ? '' : `${MASK}@`
  // Drivers disagree about where a password with a slash or an @ ends.
  if (pathname.includes('@')) return `${protocol}${MASK}`
  return `${protocol}${text.startsWith(`${protocol}//`) ? '//' : ''}${user}${host}${pathname}${search === '' ? '' : `?${MASK}`}`
}
