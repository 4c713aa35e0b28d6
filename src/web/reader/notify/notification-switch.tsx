import { useState } from 'preact/hooks'
import { notifications } from '../../shared/preferences.ts'
import { hasNotifications, permission, setNotifications } from './notifications.ts'
import { t } from './strings.ts'

/** The choice of notifications. It asks the browser for permission when it is turned on. */
export function NotificationSwitch() {
  const [isRefused, setRefused] = useState(false)
  if (!hasNotifications) return null
  const strings = t.value
  return (
    <div>
      <label class="check">
        <input
          type="checkbox"
          checked={notifications.value === 'on' && permission.value === 'granted'}
          onChange={async ({ currentTarget }) => {
            await setNotifications(currentTarget.checked)
            const isOn = notifications.value === 'on'
            setRefused(currentTarget.checked && !isOn)
            currentTarget.checked = isOn
          }}
        />
        {strings.wanted}
      </label>
      {isRefused && (
        <p class="quiet" role="alert">
          {strings.blocked}
        </p>
      )}
    </div>
  )
}
