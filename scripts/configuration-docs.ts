/** Generates the tables of settings in docs/configuration.md from SETTINGS: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { flagName, SETTINGS, variableName } from '../src/config/settings.ts'

type SettingName = keyof typeof SETTINGS

const PAGE = fileURLToPath(new URL('../docs/configuration.md', import.meta.url))
/** A marker names the settings of one table; the table ends before the next line that does not begin with `|`. */
const MARKED_TABLE = /^<!-- settings: ([^>]+) -->\n(?:\|.*\n)*/gm
const DURATIONS = [
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
] as const
const SIZES = [
  [2 ** 20, 'MB'],
  [2 ** 10, 'kB'],
] as const

/**
 * Replaces the tables behind the `<!-- settings: … -->` markers of a page.
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
  for (const name of Object.keys(SETTINGS)) {
    const tables = listed.filter((each) => each === name).length
    if (tables !== 1) throw new Error(`${name}: must be in one table of docs/configuration.md, is in ${tables}`)
  }
  return current
}

function row(name: SettingName): string {
  if (!Object.hasOwn(SETTINGS, name)) throw new Error(`docs/configuration.md: there is no setting ${name}`)
  const { fallback, help } = SETTINGS[name]
  const names = `\`--${flagName(name)}\`<br>\`${variableName(name)}\``
  const value = name === 'servers' ? 'the `servers.json` of the package' : withUnit(name, fallback)
  return `| ${names} | ${value} | ${validValues(name)} | ${help} |`
}

/** The default as it is written, with the duration or size that it stands for. */
function withUnit(name: SettingName, text: string): string {
  if (text === '') return 'none'
  const units = name.endsWith('Ms') ? DURATIONS : /Bytes/.test(name) ? SIZES : []
  const [size, unit] = units.find(([each]) => Number(text) % each === 0) ?? []
  return size === undefined ? `\`${text}\`` : `\`${text}\` (${Number(text) / size} ${unit})`
}

/** The values that a setting accepts, from the message with which its schema rejects a value that none accepts. */
function validValues(name: SettingName): string {
  const { error } = SETTINGS[name].schema.safeParse('\0')
  return (error?.issues[0]?.message ?? '').replace(/^must be (?:a whole number from )?/, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withCurrentTables(readFileSync(PAGE, 'utf8')))
}
