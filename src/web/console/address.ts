import { signal } from '@preact/signals'

/** What the fragment of the URL names: a tab, and what the tab shows. */
export interface Address {
  /** the first segment of the fragment, empty without one */
  tab: string
  /** the other segments */
  rest: readonly string[]
}

/** The address of the page: `#/sessions/3f9a1c04b7de` is the tab `sessions` with `3f9a1c04b7de`. */
export const address = signal(parseAddress(location.hash))

addEventListener('hashchange', () => {
  address.value = parseAddress(location.hash)
})

function parseAddress(fragment: string): Address {
  const [tab = '', ...rest] = fragment
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decoded)
  return { tab, rest }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
