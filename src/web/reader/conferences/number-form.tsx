import { useEffect, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { useAction } from '../../shared/use-action.ts'
import { errorText } from '../error-text.ts'

/** A whole number with a button. */
export function NumberForm({
  id,
  label,
  hint,
  wrong,
  submit,
  value,
  max = Number.MAX_SAFE_INTEGER,
  onSubmit,
}: {
  id: string
  label: string
  hint: string
  /** the error of anything else */
  wrong: string
  submit: string
  value: number
  max?: number
  onSubmit: (value: number) => Promise<unknown>
}) {
  const [typed, setTyped] = useState(String(value))
  const [isWrong, setWrong] = useState(false)
  const action = useAction()
  // It may change while the form is shown.
  useEffect(() => setTyped(String(value)), [value])
  const send = (): void => {
    const isNumber = /^\d{1,9}$/.test(typed.trim()) && Number(typed) <= max
    setWrong(!isNumber)
    if (isNumber) void action.run(() => onSubmit(Number(typed)))
  }
  return (
    <form
      class="number-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <Field
        id={id}
        label={label}
        hint={hint}
        error={isWrong ? wrong : action.error === undefined ? undefined : errorText(action.error)}
      >
        {(parts) => (
          <span class="with-button">
            <input
              {...parts}
              type="text"
              inputMode="numeric"
              autocomplete="off"
              value={typed}
              onInput={({ currentTarget: { value: text } }) => {
                setTyped(text)
                setWrong(false)
              }}
            />
            <button type="submit" aria-disabled={action.isBusy}>
              {submit}
            </button>
          </span>
        )}
      </Field>
    </form>
  )
}
