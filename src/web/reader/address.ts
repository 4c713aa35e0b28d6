import { computed, signal } from '@preact/signals'

const NUMBERED_VIEWS = ['texts', 'conferences', 'persons', 'new'] as const
const PLAIN_VIEWS = ['conferences', 'marks', 'messages', 'new', 'online', 'settings'] as const
/** A view of one text, conference or person, or a new text to a conference or person. */
export type NumberedView = (typeof NUMBERED_VIEWS)[number]
/** A view that needs no number. */
export type PlainView = (typeof PLAIN_VIEWS)[number]

/** What the fragment of the URL names: the next unread text, a text, a conference or a person by number, or another view. */
export type Address =
  | { server: string | undefined; view: 'next'; no: undefined }
  | { server: string; view: NumberedView; no: number }
  | { server: string; view: PlainView; no: undefined }

const PATTERN = /^#\/([A-Za-z][\w.-]*)(?:\/(?:([a-z]+)(?:\/([1-9]\d{0,9}))?)?)?$/

/** Returns the address that a fragment names. */
export function parseAddress(fragment: string): Address {
  const [, server, name, no] = PATTERN.exec(fragment) ?? []
  const numbered = NUMBERED_VIEWS.find((view) => view === name)
  const plain = PLAIN_VIEWS.find((view) => view === name)
  if (server !== undefined && no !== undefined && numbered !== undefined)
    return { server, view: numbered, no: Number(no) }
  if (server !== undefined && no === undefined && plain !== undefined) return { server, view: plain, no }
  return { server, view: 'next', no: undefined }
}

/** Returns the fragment of a view. */
export function fragmentOf(server: string, view: NumberedView, no: number): string
export function fragmentOf(server: string, view: PlainView): string
export function fragmentOf(server: string, view: 'new', confNo: number | undefined): string
export function fragmentOf(server: string, view: string, no?: number): string {
  return no === undefined ? `#/${server}/${view}` : `#/${server}/${view}/${no}`
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
  if (isReplaced || fragment === location.hash) history.replaceState({ depth: depth.value }, '', fragment)
  else history.pushState({ depth: depth.value + 1 }, '', fragment)
  depth.value = storedDepth()
  address.value = parseAddress(fragment)
}

/** Returns to the address before, if it is one of the application. */
export function goBack(): void {
  if (hasBack.value) history.back()
}
