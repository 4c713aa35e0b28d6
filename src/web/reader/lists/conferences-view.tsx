import { useEffect, useRef } from 'preact/hooks'
import { fragmentOf } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { t } from '../strings/index.ts'

/** The conferences of the person in reading order. */
export function ConferencesView({ reader }: { reader: Reader }) {
  const strings = t.value
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${strings.allConferences} – komgate`
    heading.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [strings])
  return (
    <section aria-labelledby="conferences">
      <h1 id="conferences" ref={heading} tabIndex={-1}>
        {strings.allConferences}
      </h1>
      <ul class="rows" aria-labelledby="conferences">
        {reader.state.value.memberships.map(({ conference: { conf_no, name } }) => (
          <li key={conf_no}>
            <a href={fragmentOf(reader.server, 'conferences', conf_no)}>
              <bdi>{name}</bdi>
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}
