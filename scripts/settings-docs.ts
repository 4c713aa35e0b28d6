/** Generates src/config/options.ts and the tables of docs/configuration.md from `SETTINGS`: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { flagName, variableName } from '../src/config/command-line.ts'
import { embeddedDefault } from '../src/config/config.ts'
import { GROUPS, type Group, SETTING_NAMES, SETTINGS, type SettingName } from '../src/config/settings.ts'

const PAGE = fileURLToPath(new URL('../docs/configuration.md', import.meta.url))
const OPTIONS = fileURLToPath(new URL('../src/config/options.ts', import.meta.url))
/** The name of the generated interface of each group. */
const INTERFACES = {
  http: 'HttpOptions',
  admin: 'AdminOptions',
  limits: 'LimitOptions',
  lyskom: 'LyskomOptions',
  compat: 'CompatApiOptions',
  demo: 'DemoOptions',
  cluster: 'ClusterOptions',
  store: 'StoreOptions',
} as const satisfies Record<Exclude<Group, 'command'>, string>
/** A marker with the settings of one table, and the table: the following lines that begin with `|`. */
const MARKED_TABLE = /^<!-- settings: ([^>]+) -->\n(?:\|.*\n)*/gm
const DURATIONS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
] as const
const SIZES = [
  [2 ** 20, 'MB'],
  [2 ** 10, 'kB'],
] as const

/**
 * Replaces the tables after the `<!-- settings: … -->` markers of a page.
 * @param page the Markdown text of docs/configuration.md
 * @returns the page with current tables
 * @throws Error if a marker names an unknown setting, or if a setting is not in exactly one table
 */
export function withCurrentTables(page: string): string {
  const listed: string[] = []
  const current = page.replaceAll(MARKED_TABLE, (_, list: string) => {
    const names = list.split(' ')
    listed.push(...names)
    const rows = names.map((name) => row(name as SettingName))
    return [
      `<!-- settings: ${list} -->`,
      '| setting | default | value | effect |',
      '|---|---|---|---|',
      ...rows,
      '',
    ].join('\n')
  })
  for (const name of SETTING_NAMES) {
    const tables = listed.filter((each) => each === name).length
    if (tables !== 1) throw new Error(`${name}: must be in one table of docs/configuration.md, is in ${tables}`)
  }
  return current
}

/** Returns the table row of a setting. */
function row(name: SettingName): string {
  if (!Object.hasOwn(SETTINGS, name)) throw new Error(`docs/configuration.md: there is no setting ${name}`)
  const { fallback, help } = SETTINGS[name]
  const names = `\`--${flagName(name)}\`<br>\`${variableName(name)}\``
  const value = name === 'servers' ? 'the `servers.json` of the package' : withUnit(name, fallback)
  return `| ${names} | ${value} | ${validValues(name)} | ${help} |`
}

/** Returns a default as written in settings, followed by the same duration or size in a larger unit. */
function withUnit(name: SettingName, text: string): string {
  if (text === '') return 'none'
  if (text === '0') return '`0`'
  const units = name.endsWith('Ms') ? DURATIONS : /Bytes/.test(name) ? SIZES : []
  const [size, unit] = units.find(([each]) => Number(text) % each === 0) ?? []
  return size === undefined ? `\`${text}\`` : `\`${text}\` (${Number(text) / size} ${unit})`
}

/** Returns a description of the valid values of a setting, derived from the error message for an invalid value. */
function validValues(name: SettingName): string {
  const { error } = SETTINGS[name].schema.safeParse('\0')
  return (error?.issues[0]?.message ?? '').replace(/^must be (?:a whole number from )?/, '')
}

/**
 * Returns the text of src/config/options.ts: the option groups of `createGateway`, with a doc comment for each option.
 */
export function optionsSource(): string {
  const groups = Object.entries(INTERFACES) as [keyof typeof INTERFACES, string][]
  const interfaces = groups.map(([group, name]) => {
    const about = group === 'store' ? 'The session store.' : GROUPS[group]
    const fields = SETTING_NAMES.filter((each) => SETTINGS[each].group === group).map(field)
    return `/** ${about} */\nexport interface ${name} {\n${fields.join('\n')}\n}\n`
  })
  return ['// Generated from SETTINGS in settings.ts by `npm run docs`; do not edit.\n', ...interfaces].join('\n')
}

/** Returns the declaration of an option: its effect, its valid values and its default. */
function field(name: SettingName): string {
  const { help, schema } = SETTINGS[name]
  const fallback = embeddedDefault(name)
  const valid = validValues(name)
  const lines = [`${help[0]?.toUpperCase()}${help.slice(1)}.`]
  if (valid !== '') lines.push(`Valid: ${valid.replace(/, with commas between them$/, '')}.`)
  lines.push(`@default ${withUnit(name, fallback).replaceAll('`', '')}`)
  const comment = lines.map((line) => `   * ${line}`).join('\n')
  const optional = fallback === '' && !schema.safeParse('').error && schema.safeParse('').data === undefined
  return `  /**\n${comment}\n   */\n  readonly ${name}?: ${typeText(z.toJSONSchema(schema, { io: 'output' }))}${optional ? ' | undefined' : ''}`
}

/** Returns a JSON schema as a TypeScript type. */
function typeText(schema: z.core.JSONSchema._JSONSchema): string {
  if (typeof schema === 'boolean') return 'unknown'
  if (schema.const !== undefined) return quoted(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(quoted).join(' | ')
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(' | ')
  if (schema.type === 'array')
    return `readonly ${inParentheses(typeText(schema.items as z.core.JSONSchema._JSONSchema))}[]`
  if (schema.type === 'object') {
    const fields = Object.entries(schema.properties ?? {}).map(([key, value]) => `readonly ${key}: ${typeText(value)}`)
    return `{ ${fields.join('; ')} }`
  }
  return schema.type === 'integer' ? 'number' : String(schema.type)
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

function inParentheses(type: string): string {
  return type.includes(' | ') ? `(${type})` : type
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withCurrentTables(readFileSync(PAGE, 'utf8')))
  writeFileSync(OPTIONS, optionsSource())
}
