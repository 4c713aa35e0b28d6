import { useEffect, useMemo, useRef } from 'preact/hooks'
import { fragmentOf, go } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { ComposeForm } from './compose-form.tsx'
import { DraftList } from './draft-list.tsx'
import { t } from './strings.ts'
import type { Target } from './target.ts'

/** A form for a new text, and the list of unfinished ones. @param no the recipient that it begins with; 0 for none */
export function NewView({ reader, no }: { reader: Reader; no: number }) {
  const strings = t.value
  const heading = useRef<HTMLHeadingElement>(null)
  const target = useMemo((): Target => {
    const each = { kind: 'new', no } as const
    return { ...each, takesFocus: reader.drafts.get(each) === undefined }
  }, [reader, no])
  useEffect(() => {
    document.title = `${strings.writeText} – komgate`
    scrollTo(0, 0)
    if (!target.takesFocus) heading.current?.focus({ preventScroll: true })
  }, [strings, no])
  const close = (): void => {
    heading.current?.focus({ preventScroll: true })
  }
  return (
    <section class="new-text" aria-labelledby="new-text">
      <h1 id="new-text" ref={heading} tabIndex={-1}>
        {strings.writeText}
      </h1>
      <ComposeForm
        reader={reader}
        target={target}
        text={undefined}
        onClose={close}
        onSent={(textNo) => go(fragmentOf(reader.server, 'texts', textNo), true)}
      />
      <DraftList reader={reader} shown={target} />
    </section>
  )
}
