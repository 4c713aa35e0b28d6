import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

const FIELDS = 'input, select, textarea, button'

/**
 * Moves the focus in a container whose members, and the buttons that add them, have the attribute `data-member`.
 * The returned function names the member that has the focus after the next rendering.
 */
export function useMemberFocus<E extends HTMLElement>(): [RefObject<E | null>, (member: string) => void] {
  const container = useRef<E>(null)
  const pending = useRef<string | undefined>(undefined)
  useEffect(() => {
    if (pending.current === undefined) return
    const members = container.current?.querySelectorAll<HTMLElement>('[data-member]') ?? []
    const member = [...members].find(({ dataset }) => dataset.member === pending.current)
    pending.current = undefined
    const target = member?.matches(FIELDS) ? member : member?.querySelector<HTMLElement>(FIELDS)
    target?.focus()
  })
  return [
    container,
    (member) => {
      pending.current = member
    },
  ]
}
