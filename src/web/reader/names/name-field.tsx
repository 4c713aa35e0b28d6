import './names.css'
import type { ConferenceName } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { t } from './strings.ts'

const DELAY_MS = 150
const MAX_MATCHES = 8

/** A field for the name of a person or a conference, which the LysKOM server completes: `d r` is Demo Reader. */
export function NameField({
  id,
  label,
  matchesLabel,
  name,
  error,
  autocomplete = 'off',
  find,
  onInput,
  onChoose,
  onEnter,
}: {
  /** unique in the page */
  id: string
  label: string
  /** names the list of matches */
  matchesLabel: string
  name: string
  error: string | undefined
  /** what the browser fills in. Default: nothing */
  autocomplete?: 'username' | 'off'
  /** returns the persons and conferences whose names match; it is the same function in each rendering */
  find: (name: string) => Promise<readonly ConferenceName[]>
  onInput: (name: string) => void
  /** called with a chosen match. Default: its name is entered */
  onChoose?: (match: ConferenceName) => void
  /** called when Enter is pressed and no match is selected. Default: what the browser does */
  onEnter?: () => void
}) {
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
        // The form reports the error when the name is used.
        () => isCurrent && setMatches([]),
      )
    }, DELAY_MS)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [name, find])

  const shown = isOpen ? matches.filter((match) => onChoose !== undefined || match.name !== name) : []
  const choose = (match: ConferenceName): void => {
    typed.current = undefined
    setOpen(false)
    if (onChoose === undefined) onInput(match.name)
    else onChoose(match)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    // Enter ends the composition of a character.
    if (event.isComposing) return
    const { key } = event
    const match = shown[active]
    if (key === 'Enter' && !event.ctrlKey && !event.metaKey && match !== undefined) choose(match)
    else if (key === 'Enter' && !event.ctrlKey && !event.metaKey && onEnter !== undefined) onEnter()
    else if (shown.length === 0) return
    else if (key === 'ArrowDown' || key === 'ArrowUp') {
      const step = key === 'ArrowDown' ? 1 : -1
      setActive((active + step + shown.length + (active < 0 && step < 0 ? 1 : 0)) % shown.length)
    } else if (key === 'Escape') setOpen(false)
    else return
    event.preventDefault()
  }

  return (
    <Field id={id} label={label} error={error}>
      {(parts) => (
        <div class="completion">
          <input
            {...parts}
            type="text"
            name={autocomplete === 'username' ? 'username' : undefined}
            autocomplete={autocomplete}
            autocapitalize="words"
            spellcheck={false}
            role="combobox"
            aria-autocomplete="list"
            aria-expanded={shown.length > 0}
            aria-controls={`${id}-matches`}
            aria-activedescendant={shown[active] === undefined ? undefined : `${id}-match-${active}`}
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
          <div id={`${id}-matches`} role="listbox" aria-label={matchesLabel} hidden={shown.length === 0}>
            {shown.map((match, i) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
              <div
                key={match.conf_no}
                id={`${id}-match-${i}`}
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
            {shown.length > 0 && t.value.matches(shown.length)}
          </p>
        </div>
      )}
    </Field>
  )
}
