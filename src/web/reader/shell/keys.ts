import { useLayoutEffect, useRef } from 'preact/hooks'
import { shortcuts } from '../../shared/preferences.ts'
import { COMMANDS, type CommandContext } from './commands.ts'

/** The time between the keys of a sequence. */
const SEQUENCE_MS = 1500
const TYPED = 'input, textarea, select, [contenteditable]'
const PRESSED = 'button, a, summary, [role=button]'

/** Commands by keys, and the first keys of sequences. */
const BY_KEYS = new Map(COMMANDS.flatMap((command) => command.keys.map((keys) => [keys, command])))
const PREFIXES: ReadonlySet<string> = new Set([...BY_KEYS.keys()].filter((keys) => keys.includes(' ')).map(firstKey))

/** Handles the keys of the reader. They do nothing while the person types or a dialog is open. */
export function useKeys(context: Omit<CommandContext, 'textNo'>): void {
  const latest = useRef(context)
  latest.current = context
  // Before the page is painted, so that the keys work as soon as it is visible.
  useLayoutEffect(() => {
    let prefix = { key: '', time: 0 }
    const onKeyDown = (event: KeyboardEvent): void => {
      if (shortcuts.value === 'off' || event.ctrlKey || event.metaKey || event.altKey) return
      const target = event.target instanceof Element ? event.target : undefined
      if (event.defaultPrevented || target?.closest(TYPED) || document.querySelector('dialog[open]')) return
      const key = keyOf(event)
      const isSequence = prefix.key !== '' && event.timeStamp - prefix.time < SEQUENCE_MS
      const command = BY_KEYS.get(isSequence ? `${prefix.key} ${key}` : key)
      prefix = { key: !isSequence && PREFIXES.has(key) ? key : '', time: event.timeStamp }
      // A key that is held down would mark everything as read.
      if (event.repeat && !command?.isRepeated) return
      if (command === undefined || (event.key === ' ' && target?.closest(PRESSED))) return
      event.preventDefault()
      const { reader } = latest.current
      command.run({ ...latest.current, textNo: reader.shown.value })
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])
}

function keyOf({ key, shiftKey }: KeyboardEvent): string {
  if (key !== ' ') return key
  return shiftKey ? 'Shift+Space' : 'Space'
}

function firstKey(keys: string): string {
  return keys.slice(0, keys.indexOf(' '))
}
