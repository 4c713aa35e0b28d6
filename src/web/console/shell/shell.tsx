import './shell.css'
import { useEffect } from 'preact/hooks'
import { Preferences } from '../../shared/preference-fields.tsx'
import { address } from '../address.ts'
import type { Gateway } from '../gateway.ts'
import { logOut } from '../session.ts'
import { t } from '../strings.ts'
import { TABS } from './tabs.ts'

/** The interval of attempts to reach a gateway that is away. */
const RETRY_MS = 2000

/** The frame of the console: the tabs, and the view that the address names. */
export function Shell({ gateway }: { gateway: Gateway }) {
  const strings = t.value
  const current = TABS.find(({ name }) => name === address.value.tab) ?? TABS[0]
  const label = current.label()
  const isAway = gateway.isAway.value
  useEffect(() => {
    document.title = `${label} – ${strings.console}`
  }, [label, strings])
  useEffect(() => {
    if (!isAway) return
    const timer = setInterval(() => {
      gateway.send('admin/servers').catch(() => undefined)
    }, RETRY_MS)
    return () => clearInterval(timer)
  }, [gateway, isAway])

  return (
    <div class="console">
      <header class="top">
        <span class="brand">{strings.console}</span>
        <button type="button" class="plain" onClick={() => logOut()}>
          {strings.logOut}
        </button>
      </header>
      <nav class="tabs" aria-label={strings.views}>
        {TABS.map(({ name, label: of }) => (
          <a key={name} href={`#/${name}`} aria-current={name === current.name ? 'page' : undefined}>
            {of()}
          </a>
        ))}
      </nav>
      <main>
        {isAway && (
          <p class="banner" role="status">
            {strings.away}
          </p>
        )}
        <h1 tabIndex={-1}>{label}</h1>
        <current.View gateway={gateway} />
      </main>
      <footer>
        <Preferences />
      </footer>
    </div>
  )
}
