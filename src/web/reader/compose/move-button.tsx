import type { Reader } from '../reading/reader.ts'
import { t } from './strings.ts'
import type { Target } from './target.ts'

/** Makes a new text of a draft whose text is gone. It is not there if there are new texts with these recipients already. */
export function MoveButton({ reader, target }: { reader: Reader; target: Target }) {
  const { drafts } = reader
  const draft = drafts.get(target)
  const free = [0, ...(draft?.recipients ?? []).map(({ conf_no }) => conf_no)].find(
    (no) => drafts.get({ kind: 'new', no }) === undefined,
  )
  if (draft === undefined || free === undefined) return null
  const move = (): void => {
    const { attempt: _, ...rest } = draft
    drafts.move(target, { kind: 'new', no: free }, rest)
    reader.writeTo(free)
  }
  return (
    <div>
      <button type="button" onClick={move}>
        {t.value.asNewText}
      </button>
    </div>
  )
}
