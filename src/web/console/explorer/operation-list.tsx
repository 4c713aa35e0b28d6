import { useId, useMemo, useState } from 'preact/hooks'
import { groupsOf, type Operation } from './operations.ts'
import { t } from './strings.ts'

/** All calls and routes by their groups, which can be searched. */
export function OperationList({
  operations,
  current,
}: {
  operations: readonly Operation[]
  current: string | undefined
}) {
  const strings = t.value
  const id = useId()
  const [words, setWords] = useState('')
  const groups = useMemo(() => groupsOf(operations, words), [operations, words])
  const count = [...groups.values()].reduce((sum, { length }) => sum + length, 0)
  return (
    <nav class="operations" aria-label={strings.operations}>
      <div class="field">
        <label for={id}>{strings.search}</label>
        <input
          id={id}
          type="text"
          autocomplete="off"
          spellcheck={false}
          value={words}
          onInput={({ currentTarget: { value } }) => setWords(value)}
        />
      </div>
      <p class="quiet" role="status">
        {words.trim() !== '' && (count === 0 ? strings.nothingFound : strings.found(count))}
      </p>
      {[...groups].map(([tag, list]) => (
        <section key={tag}>
          <h2>{tag}</h2>
          <ul>
            {list.map((operation) => (
              <li key={operation.id}>
                <a
                  href={`#/explorer/${operation.id}`}
                  title={operation.summary}
                  aria-current={operation.id === current ? 'page' : undefined}
                >
                  {operation.call ?? (
                    <>
                      <span class={`method ${operation.method.toLowerCase()}`}>{operation.method}</span>{' '}
                      {operation.path}
                    </>
                  )}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  )
}
