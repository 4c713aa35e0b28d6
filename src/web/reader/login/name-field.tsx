import type { ConferenceName } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { t } from '../strings/index.ts'

const DELAY_MS = 150
const MAX_MATCHES = 8
const ID = 'login-name'

/** A field for the name of a person, which the LysKOM server completes: `d r` is Demo Reader. */
export function NameField({
  name,
  error,
  find,
  onInput,
}: {
  name: string
  error: string | undefined
  /** returns the persons whose names match */
  find: (name: string) => Promise<readonly ConferenceName[]>
  onInput: (name: string) => void
}) {
  const strings = t.value
  const [matches, setMatches] = useState<readonly ConferenceName[]>([])
  const [active, setActive] = useState(-1)
  const [isOpen, setOpen] = useState(false)
  const typed = useRef<string | undefined>(undefined)

  useEffect(() => {
    if (typed.current !== name || name.trim() === '') {
      setMatches([])
      return
    }
    let isCurrent = true
    const timer = setTimeout(() => {
      find(name).then(
        (found) => isCurrent && setMatches(found.slice(0, MAX_MATCHES)),
        // Logging in reports the error.
        () => isCurrent && setMatches([]),
      )
    }, DELAY_MS)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [name, find])

  const shown = isOpen ? matches.filter((match) => match.name !== name) : []
  const choose = (match: ConferenceName | undefined): void => {
    if (match === undefined) return
    typed.current = undefined
    onInput(match.name)
    setOpen(false)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (shown.length === 0) return
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const step = event.key === 'ArrowDown' ? 1 : -1
      setActive((active + step + shown.length + (active < 0 && step < 0 ? 1 : 0)) % shown.length)
    } else if (event.key === 'Enter' && active >= 0) choose(shown[active])
    else if (event.key === 'Escape') setOpen(false)
    else return
    event.preventDefault()
  }

  return (
    <Field id={ID} label={strings.name} error={error}>
      {(parts) => (
        <div class="completion">
          <input
            {...parts}
            type="text"
            name="username"
            autocomplete="username"
            autocapitalize="words"
            spellcheck={false}
            role="combobox"
            aria-autocomplete="list"
            aria-expanded={shown.length > 0}
            aria-controls={`${ID}-matches`}
            aria-activedescendant={shown[active] === undefined ? undefined : `${ID}-match-${active}`}
            value={name}
            onInput={({ currentTarget: { value } }) => {
              typed.current = value
              setOpen(true)
              setActive(-1)
              onInput(value)
            }}
            onKeyDown={onKeyDown}
            onBlur={() => setOpen(false)}
          />
          <div id={`${ID}-matches`} role="listbox" aria-label={strings.persons} hidden={shown.length === 0}>
            {shown.map((match, i) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
              <div
                key={match.conf_no}
                id={`${ID}-match-${i}`}
                role="option"
                tabIndex={-1}
                aria-selected={i === active}
                // The field keeps the focus.
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => choose(match)}
              >
                <bdi>{match.name}</bdi>
              </div>
            ))}
          </div>
          <p class="visually-hidden" role="status">
            {shown.length > 0 && strings.matchingPersons(shown.length)}
          </p>
        </div>
      )}
    </Field>
  )
}
