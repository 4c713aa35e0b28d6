import './settings.css'
import { useState } from 'preact/hooks'
import { Loading } from '../../shared/loading.tsx'
import { language } from '../../shared/preferences.ts'
import { exactTime, shortTime } from '../../shared/time.ts'
import { duration } from '../duration.ts'
import { errorText } from '../error-text.ts'
import type { Gateway } from '../gateway.ts'
import { TableFrame } from '../table-frame.tsx'
import { usePolledJson } from '../use-polled.ts'
import { t } from './strings.ts'

/** Settings change with a restart alone, which this interval shows. */
const INTERVAL_MS = 5000

/** A setting in force, as `GET /admin/settings` lists it. */
interface Setting {
  name: string
  flag: string
  variable: string
  value: string
  default: string
  source: 'default' | 'flag' | 'environment' | 'option'
  is_masked: boolean
  description: string
}

/** The program and its settings. */
interface Settings {
  version: string
  node: string
  started: string
  settings: Setting[]
}

/** The settings in force, and the versions of the program. */
export function SettingsView({ gateway }: { gateway: Gateway }) {
  const strings = t.value
  const { value, error } = usePolledJson<Settings>(gateway, 'admin/settings', INTERVAL_MS)
  const [filter, setFilter] = useState('')
  const [isChangedOnly, setChangedOnly] = useState(false)
  if (value === undefined) return error === undefined ? <Loading /> : <p class="error">{errorText(error)}</p>
  const { version, node, started, settings } = value
  const words = filter.toLowerCase().split(/\s+/)
  const shown = settings.filter(({ flag, variable, value: text, source, description }) => {
    if (isChangedOnly && source === 'default') return false
    const searched = `${flag} ${variable} ${text} ${description}`.toLowerCase()
    return words.every((word) => searched.includes(word))
  })
  const facts = [
    [strings.version, version],
    [strings.node, node],
    [
      strings.started,
      <time key="started" dateTime={started} title={exactTime(started, language.value)}>
        {shortTime(started, language.value)}
      </time>,
    ],
    [strings.uptime, duration(Math.max(0, (Date.now() - Date.parse(started)) / 1000))],
  ] as const
  return (
    <>
      <dl class="facts">
        {facts.map(([name, fact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
      </dl>
      <div class="list-head">
        <div class="field">
          <label for="setting-filter">{strings.filter}</label>
          <input
            id="setting-filter"
            type="text"
            spellcheck={false}
            autocomplete="off"
            value={filter}
            onInput={({ currentTarget }) => setFilter(currentTarget.value)}
          />
        </div>
        <label class="check">
          <input
            type="checkbox"
            checked={isChangedOnly}
            onChange={({ currentTarget: { checked } }) => setChangedOnly(checked)}
          />
          {strings.onlyChanged}
        </label>
      </div>
      {shown.length === 0 ? <p>{strings.noMatch}</p> : <SettingTable settings={shown} />}
      {shown.some(({ is_masked }) => is_masked) && <p class="quiet">{strings.masked}</p>}
    </>
  )
}

function SettingTable({ settings }: { settings: readonly Setting[] }) {
  const strings = t.value
  return (
    <TableFrame label={strings.setting}>
      <table class="settings cards">
        <thead>
          <tr>
            <th scope="col">{strings.setting}</th>
            <th scope="col">{strings.value}</th>
            <th scope="col">{strings.source}</th>
          </tr>
        </thead>
        <tbody>
          {settings.map(({ name, flag, variable, value, default: fallback, source, description }) => (
            <tr key={name}>
              <th scope="row">
                <code title={variable}>{flag}</code>
                <span class="quiet" lang="en">
                  {description}
                </span>
              </th>
              <td data-label={strings.value}>
                {value === '' ? <span class="quiet">{strings.none}</span> : <code>{value}</code>}
                {source !== 'default' && value !== fallback && (
                  <span class="quiet">{strings.isDefault(fallback === '' ? strings.none : fallback)}</span>
                )}
              </td>
              <td data-label={strings.source}>
                {source === 'default' ? <span class="quiet">{strings.default}</span> : strings[source]}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  )
}
