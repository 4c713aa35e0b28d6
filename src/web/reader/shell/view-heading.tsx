import { useEffect, useRef } from 'preact/hooks'
import { plainText } from '../../shared/plain-text.ts'

/** The heading of a view. It names the page, and has the focus when the view opens. */
export function ViewHeading({ id, title }: { id: string; title: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${plainText(title)} – komgate`
  }, [title])
  useEffect(() => {
    heading.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [])
  return (
    <h1 id={id} ref={heading} tabIndex={-1}>
      <bdi>{title}</bdi>
    </h1>
  )
}
