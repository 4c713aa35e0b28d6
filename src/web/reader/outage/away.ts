import { signal } from '@preact/signals'
import { UnavailableError } from 'komgate/client'
import { t } from './strings.ts'

/** What cannot be reached. */
export type Away = 'gateway' | 'lyskom'

/** Whether the device has a network. */
const isOnline = signal(navigator.onLine)
for (const type of ['online', 'offline']) {
  addEventListener(type, () => {
    isOnline.value = navigator.onLine
  })
}

/** Returns a sentence about what is away. */
export function awayText(away: Away): string {
  return isOnline.value || away === 'lyskom' ? t.value[away] : t.value.device
}

/** Returns whether an error may pass by itself. */
export function isOutage(error: unknown): boolean {
  return error instanceof UnavailableError
}
