import { signal } from '@preact/signals'
import { language, notifications } from '../../shared/preferences.ts'
import { go } from '../address.ts'

/** What a notification says, and what it opens. */
export interface Notice {
  title: string
  body: string
  /** a notification with the same tag replaces another one, also that of another tab */
  tag: string
  /** the address that a click shows */
  fragment: string
}

/** Whether the browser has notifications; only pages over HTTPS or from the same computer may show them. */
export const hasNotifications = 'Notification' in globalThis && globalThis.isSecureContext

/** What the browser permits. */
export const permission = signal<NotificationPermission>(hasNotifications ? Notification.permission : 'denied')

/** Turns notifications on or off. Asks the person for permission, so it must be called on a click. */
export async function setNotifications(isOn: boolean): Promise<void> {
  if (isOn && permission.value !== 'granted') permission.value = await Notification.requestPermission()
  notifications.value = isOn && permission.value === 'granted' ? 'on' : 'off'
}

/** Shows a notification if the person wants them and is not looking at the page. */
export async function show({ title, fragment, ...notice }: Notice): Promise<void> {
  if (!hasNotifications || notifications.value === 'off' || Notification.permission !== 'granted') return
  if (document.hasFocus()) return
  const icon = document.querySelector<HTMLLinkElement>('link[rel="apple-touch-icon"]')?.href ?? ''
  const options = { ...notice, icon, lang: language.value, data: fragment }
  try {
    const notification = new Notification(title, options)
    notification.onclick = () => {
      window.focus()
      go(fragment)
      notification.close()
    }
  } catch {
    // On phones only the service worker shows notifications, and handles clicks on them.
    const registration = await navigator.serviceWorker?.getRegistration()
    await registration?.showNotification(title, options)
  }
}
