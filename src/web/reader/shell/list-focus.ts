/** The lists that one moves through; the nearest one first, for when the focus is in none of them. */
const LISTS = ['main ul.rows', '#thread > ul', 'main .comments ul', '.conference-list ul']

/** Moves the focus down (1) or up (-1) in the list in which it is, or into the nearest list. */
export function moveInList(step: 1 | -1): void {
  const focused = document.activeElement
  const own = LISTS.map((selector) => focused?.closest(selector)).find((list) => list)
  for (const list of own ? [own] : LISTS.flatMap((selector) => [...document.querySelectorAll(selector)])) {
    const items = itemsOf(list)
    const from = own ? innermost(items, focused) : items.findIndex((item) => item.hasAttribute('aria-current'))
    const next = items[from < 0 ? (step > 0 ? 0 : items.length - 1) : from + step]
    if (next === undefined) continue
    next.focus()
    return
  }
}

/** Returns the displayed items of a list and of the lists in it: the first link or button of each. */
function itemsOf(list: Element): HTMLElement[] {
  return [...list.querySelectorAll('li')]
    .flatMap((li) => li.querySelector<HTMLElement>('a[href], button') ?? [])
    .filter((item) => item.getClientRects().length > 0)
}

/** Returns the position of the innermost item that has an element, which may be its link itself. */
function innermost(items: readonly HTMLElement[], element: Element | null): number {
  return items.reduce((found, item, i) => (item.closest('li')?.contains(element) ? i : found), -1)
}
