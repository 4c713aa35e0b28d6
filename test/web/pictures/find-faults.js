/**
 * Runs in a page, so that it refers to nothing outside of itself.
 *
 * @param {number} target the smallest width and height of what one touches, in pixels
 * @returns {string[]} what is wrong with the layout
 */
globalThis.findFaults = (target) => {
  const faults = []
  const { documentElement: root } = document
  if (root.scrollWidth > innerWidth) faults.push(`the page is ${root.scrollWidth} pixels wide`)
  const nameOf = (element) => `${element.localName} "${(element.textContent || element.id).trim().slice(0, 40)}"`
  const isScrolled = (element) => {
    for (let each = element.parentElement; each !== null; each = each.parentElement) {
      if (each !== root && each !== document.body && /auto|scroll/.test(getComputedStyle(each).overflowX)) return true
    }
    return false
  }
  const dialog = document.querySelector('dialog[open]')
  const shown = [
    ...(dialog ?? document).querySelectorAll('button, select, input, textarea, summary, h1, h2, label, th, legend'),
  ]
    .filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .filter((element) => !element.matches('.skip, .visually-hidden') && element.closest('.visually-hidden') === null)
  for (const element of shown) {
    const { left, right, width, height } = element.getBoundingClientRect()
    const isField = element.matches('input, select, textarea')
    if (!isField && getComputedStyle(element).display !== 'inline' && element.scrollWidth > element.clientWidth + 1) {
      faults.push(`${nameOf(element)} is cut off: ${element.scrollWidth} > ${element.clientWidth}`)
    }
    if ((left < -1 || right > innerWidth + 1) && !isScrolled(element)) faults.push(`${nameOf(element)} is out of reach`)
    if (!element.matches('button, select, input, textarea, summary')) continue
    // The label of a box or a radio button is part of its target.
    const box = element.closest('label.check')?.getBoundingClientRect() ?? { width, height }
    if (Math.min(box.width, box.height) < target - 0.5) {
      faults.push(`${nameOf(element)} is ${Math.round(box.width)} by ${Math.round(box.height)} pixels`)
    }
  }
  for (const element of (dialog ?? document).querySelectorAll('button.primary')) {
    const { left, top, width, height } = element.getBoundingClientRect()
    const [x, y] = [left + width / 2, top + height / 2]
    if (y < 0 || y > innerHeight || !element.checkVisibility()) continue
    const front = document.elementFromPoint(x, y)
    // The bars cover what is scrolled under them, and the matches of a name what is below its field.
    if (front === null || element.contains(front) || front.closest('.next-bar, .top, [role=listbox]') !== null) continue
    faults.push(`${nameOf(element)} is covered by ${nameOf(front)}`)
  }
  return faults
}
