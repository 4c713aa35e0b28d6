import './settings.css'
import type { ComponentChildren } from 'preact'
import { Preferences } from '../../shared/preference-fields.tsx'

import type { Reader } from '../reading/reader.ts'
import { PersonLink } from '../shell/parts.tsx'
import { ShortcutsSwitch } from '../shell/shortcuts-switch.tsx'
import { ViewHeading } from '../shell/view-heading.tsx'
import { PasswordForm } from './password-form.tsx'
import { Sessions } from './sessions.tsx'
import { t } from './strings.ts'

/** What the person can set: how the reader looks, their password and presentation, and where they are logged in. */
export function SettingsView({ reader }: { reader: Reader }) {
  const strings = t.value
  const { person } = reader.state.value
  return (
    <section class="settings" aria-labelledby="settings">
      <ViewHeading id="settings" title={strings.settings} />
      <Part id="appearance" title={strings.appearance}>
        <Preferences />
      </Part>
      <Part id="keyboard" title={strings.keyboard}>
        <ShortcutsSwitch />
      </Part>
      {person !== null && (
        <Part id="you" title={strings.yourPage}>
          <PersonLink server={reader.server} person={person} />
        </Part>
      )}
      <Part id="password" title={strings.password}>
        <PasswordForm reader={reader} />
      </Part>
      <Part id="sessions" title={strings.sessions}>
        <Sessions reader={reader} />
      </Part>
    </section>
  )
}

function Part({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  )
}
