import { computed, signal } from '@preact/signals'

/** What the fragment of the URL names: the next unread text, or a text, a conference or a person by number. */
export type Address =
  | { server: string | undefined; view: 'next' }
  | { server: string; view: 'texts' | 'conferences' | 'persons'; no: number }

const PATTERN = /^#\/([A-Za-z][\w.-]*)(?:\/(?:(texts|conferences|persons)\/([1-9]\d{0,9}))?)?$/

/** Returns the address that a fragment names. */
export function parseAddress(fragment: string): Address {
  const [, server, view, no] = PATTERN.exec(fragment) ?? []
  if (server === undefined || view === undefined) return { server, view: 'next' }
  return { server, view: view as 'texts', no: Number(no) }
}

/** Returns the fragment of a text, a conference or a person. */
export function fragmentOf(server: string, view: 'texts' | 'conferences' | 'persons', no: number): string {
  return `#/${server}/${view}/${no}`
}

/** The address of the page. */
export const address = signal<Address>(parseAddress(location.hash))

/** The number of addresses before this one in the history of the application. */
const depth = signal(storedDepth())
/** Whether there is an address to go back to. */
export const hasBack = computed(() => depth.value > 0)

function storedDepth(): number {
  return Number((history.state as { depth?: number } | null)?.depth ?? 0)
}

addEventListener('popstate', () => {
  // A link to a fragment adds an entry without a state.
  if (history.state === null) history.replaceState({ depth: depth.value + 1 }, '')
  depth.value = storedDepth()
  address.value = parseAddress(location.hash)
})

/** Shows what a fragment names. @param isReplaced whether it replaces the entry of the history */
export function go(fragment: string, isReplaced = false): void {
  if (isReplaced) history.replaceState({ depth: depth.value }, '', fragment)
  else history.pushState({ depth: depth.value + 1 }, '', fragment)
  depth.value = storedDepth()
  address.value = parseAddress(fragment)
}

/** Returns to the address before, if it is one of the application. */
export function goBack(): void {
  if (hasBack.value) history.back()
}
