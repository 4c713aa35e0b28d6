import type { Reader } from '../reading/reader.ts'
import { preparation } from './preparation.ts'
import { t } from './strings.ts'
import type { Target } from './target.ts'

/** Makes a new text of a draft whose text is gone, under an address for which there is no new text. */
export function MoveButton({ reader, target }: { reader: Reader; target: Target }) {
  const { drafts } = reader
  const draft = drafts.get(target)
  const recipients = draft?.recipients ?? []
  const conferences = [...recipients, ...reader.state.value.memberships.map(({ conference }) => conference)]
  const free = [0, ...conferences.map(({ conf_no }) => conf_no)].find(
    (no) => drafts.get({ kind: 'new', no }) === undefined,
  )
  if (draft === undefined || free === undefined) return null
  const move = (): void => {
    const { attempt: _, ...rest } = draft
    drafts.move(target, { kind: 'new', no: free }, { ...rest, recipients })
    reader.writeTo(free)
  }
  return (
    <div>
      <button type="button" disabled={preparation(drafts.idOf(target)) !== undefined} onClick={move}>
        {t.value.asNewText}
      </button>
    </div>
  )
}
