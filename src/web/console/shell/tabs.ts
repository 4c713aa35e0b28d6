import type { ComponentType } from 'preact'
import { Explorer } from '../explorer/explorer.tsx'
import { FiguresView } from '../figures/figures-view.tsx'
import type { Gateway } from '../gateway.ts'
import { ServersView } from '../servers/servers-view.tsx'
import { SessionsView } from '../session-list/sessions-view.tsx'
import { SettingsView } from '../settings/settings-view.tsx'
import { t } from '../strings.ts'

/** A view of the console. */
export interface Tab {
  /** the first segment of its fragment */
  name: string
  label: () => string
  View: ComponentType<{ gateway: Gateway }>
}

/** The views, in their order. */
export const TABS: readonly [Tab, ...Tab[]] = [
  { name: 'servers', label: () => t.value.servers, View: ServersView },
  { name: 'sessions', label: () => t.value.sessions, View: SessionsView },
  { name: 'figures', label: () => t.value.figures, View: FiguresView },
  { name: 'settings', label: () => t.value.settings, View: SettingsView },
  { name: 'explorer', label: () => t.value.explorer, View: Explorer },
]
