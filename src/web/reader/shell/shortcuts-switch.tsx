import { shortcuts } from '../../shared/preferences.ts'
import { t } from '../strings/index.ts'

/** Turns the keys on and off. */
export function ShortcutsSwitch() {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={shortcuts.value === 'on'}
        onChange={({ currentTarget: { checked } }) => {
          shortcuts.value = checked ? 'on' : 'off'
        }}
      />
      {t.value.useKeys}
    </label>
  )
}
