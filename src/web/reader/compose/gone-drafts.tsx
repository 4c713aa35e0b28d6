import './compose.css'
import { Field } from '../../shared/field.tsx'
import type { Reader } from '../reading/reader.ts'
import { DiscardButton } from './discard-button.tsx'
import { MoveButton } from './move-button.tsx'
import { preparation } from './preparation.ts'
import { t } from './strings.ts'
import { keyOf } from './target.ts'

const KINDS = ['comment', 'footnote', 'answer'] as const

/** The drafts about a text that does not exist any more: they can become texts of their own or be discarded. */
export function GoneDrafts({ reader, no }: { reader: Reader; no: number }) {
  const strings = t.value
  const { drafts } = reader
  return KINDS.map((kind) => {
    const target = { kind, no }
    const draft = drafts.get(target)
    if (draft === undefined) return null
    const key = keyOf(target)
    return (
      <section key={key} class="compose" aria-labelledby={key}>
        <h2 id={key}>{strings[`${kind}Draft`](no)}</h2>
        <bdi>{draft.subject}</bdi>
        <Field id={`${key}-body`} label={strings[`${kind}Body`]} error={undefined}>
          {(parts) => <textarea {...parts} readOnly value={draft.body} />}
        </Field>
        <div class="actions">
          <MoveButton reader={reader} target={target} />
          <DiscardButton
            draft={draft}
            isDisabled={preparation(drafts.idOf(target)) !== undefined}
            onDiscard={() => drafts.remove(target)}
          />
        </div>
      </section>
    )
  })
}
