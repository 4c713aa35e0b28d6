/** How long a view may take to move the focus itself after it has been rendered. */
const PATIENCE_MS = 150

/**
 * Keeps the focus in the page: when the element that has it is removed or disabled, and no view moves it, the heading of
 * the page or the dialog has it. Otherwise a person without a mouse would begin at the top again, and a screen reader be silent.
 */
export function keepFocus(): void {
  let last: Element | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const onFocus = ({ target }: FocusEvent): void => {
    last = target instanceof Element ? target : undefined
  }
  const isLost = (): boolean =>
    last !== undefined && document.activeElement === document.body && (!last.isConnected || last.matches(':disabled'))
  const restore = (): void => {
    if (!isLost()) return
    // A dialog makes the page behind it inert.
    const part = document.querySelector('dialog[open]') ?? document.querySelector('main')
    const heading = part?.querySelector<HTMLElement>('h1, h2')
    heading?.setAttribute('tabindex', '-1')
    heading?.focus({ preventScroll: true })
  }
  new MutationObserver(() => {
    if (!isLost()) return
    clearTimeout(timer)
    timer = setTimeout(restore, PATIENCE_MS)
  }).observe(document, { childList: true, subtree: true, attributeFilter: ['disabled'] })
  document.addEventListener('focusin', onFocus)
}
