import { useEffect } from 'preact/hooks'
import { shortcuts } from '../../shared/preferences.ts'
import { goBack } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { markRead, markUnread } from '../text/text-view.tsx'

/** The time between the keys of a sequence. */
const SEQUENCE_MS = 1500
const TYPED = 'input, textarea, select, [contenteditable]'
const PRESSED = 'button, a, summary, [role=button]'

/** Handles the keys of the reader. They do nothing while the person types or a dialog is open. */
export function useKeys(reader: Reader, { onHelp, onList }: { onHelp: () => void; onList: () => void }): void {
  useEffect(() => {
    let lastG = Number.NEGATIVE_INFINITY
    const onKeyDown = (event: KeyboardEvent): void => {
      // A key that is held down would mark everything as read.
      if (
        event.repeat ||
        shortcuts.value === 'off' ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        event.defaultPrevented
      )
        return
      const target = event.target instanceof Element ? event.target : undefined
      if (target?.closest(TYPED) || document.querySelector('dialog[open]')) return
      const isAfterG = event.timeStamp - lastG < SEQUENCE_MS
      lastG = event.key === 'g' ? event.timeStamp : Number.NEGATIVE_INFINITY
      const action = isAfterG ? (event.key === 'c' ? onList : undefined) : actionOf(event, target)
      if (action === undefined) return
      event.preventDefault()
      action()
    }
    const actionOf = (event: KeyboardEvent, target: Element | undefined): (() => void) | undefined => {
      const textNo = reader.shown.value
      switch (event.key) {
        case ' ':
          if (target?.closest(PRESSED)) return undefined
          return event.shiftKey ? goBack : () => reader.readNext()
        case 'n':
          return () => reader.readNext()
        case 'p':
          return goBack
        case 'c':
          return () => {
            reader.commentedNo.value = textNo
          }
        case 'r':
          return textNo === undefined ? undefined : () => markRead(reader, textNo)
        case 'u':
          return textNo === undefined ? undefined : () => void markUnread(reader, textNo)
        case '?':
          return onHelp
        default:
          return undefined
      }
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [reader, onHelp, onList])
}
