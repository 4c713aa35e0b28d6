import type { ComponentChildren } from 'preact'

/** The frame of a table, which scrolls where the table is wider than the page. */
export function TableFrame({
  label,
  isTrace = false,
  children,
}: {
  label: string
  /** whether it also scrolls downwards */
  isTrace?: boolean
  children: ComponentChildren
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls the table
    <section class={isTrace ? 'table trace' : 'table'} aria-label={label} tabIndex={0}>
      {children}
    </section>
  )
}
