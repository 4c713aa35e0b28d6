import { fragmentOf } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import type { Draft } from './drafts.ts'
import { t } from './strings.ts'
import { keyOf, type Target, targetOf } from './target.ts'

/** The unfinished texts of the person, except for one. */
export function DraftList({ reader, shown }: { reader: Reader; shown: Target }) {
  const strings = t.value
  const others = [...reader.drafts.all.value].filter(([key]) => key !== keyOf(shown))
  if (others.length === 0) return null
  return (
    <section class="drafts" aria-labelledby="drafts">
      <h2 id="drafts">{strings.drafts}</h2>
      <ul class="rows" aria-labelledby="drafts">
        {others.map(([key, draft]) => (
          <li key={key}>
            <Line reader={reader} target={targetOf(key)} draft={draft} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Line({ reader, target, draft }: { reader: Reader; target: Target | undefined; draft: Draft }) {
  const strings = t.value
  if (target === undefined) return null
  const { kind, no } = target
  const { server } = reader
  const href = kind === 'new' ? fragmentOf(server, 'new', no === 0 ? undefined : no) : fragmentOf(server, 'texts', no)
  return (
    <>
      <a href={href} onClick={() => kind !== 'new' && reader.write(target)}>
        <bdi>{draft.subject.trim() === '' ? strings.noSubject : draft.subject}</bdi>
      </a>
      <span class="quiet">
        {kind === 'new' ? <Names reader={reader} draft={draft} no={no} /> : strings[`${kind}Draft`](no)}
      </span>
    </>
  )
}

/** The recipients of a new text. */
function Names({ reader, draft: { recipients }, no }: { reader: Reader; draft: Draft; no: number }) {
  const known = reader.membership(no)?.conference
  const names = (recipients ?? (known === undefined ? [] : [known])).map(({ name }) => name)
  return <bdi>{names.length === 0 ? t.value.newDraft : names.join(', ')}</bdi>
}
