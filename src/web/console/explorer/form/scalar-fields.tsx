import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import { Field } from '../../../shared/field.tsx'
import { isPassword } from '../curl/curl.ts'
import { BODY } from '../request.ts'
import { NotJson } from '../schema/validate.ts'
import { type FieldProps, keyOf, useForm } from './context.ts'
import { RemoveButton } from './remove-button.tsx'
import { t } from './strings.ts'

/** The longest values that have a single-line field. */
const MAX_LINE = 1000

/** What `Labelled` gives to the control in it. */
interface ControlParts {
  id: string
  'aria-invalid': boolean
  'aria-describedby': string | undefined
}

/** A labelled control with its hints, its error, and a button that leaves the value out. */
function Labelled({
  label,
  path,
  schema,
  description,
  onRemove,
  hint,
  children,
}: FieldProps & { hint?: string | undefined; children: (parts: ControlParts) => ComponentChildren }) {
  const id = useId()
  const { messages } = useForm()
  const byDefault = schema.default === undefined ? undefined : t.value.byDefault(JSON.stringify(schema.default))
  const hints = [hint, byDefault].filter(Boolean).join(', ')
  const text = [hints, description ?? schema.description].filter(Boolean).join('. ')
  return (
    <Field id={id} label={label} error={messages.get(keyOf(path))}>
      {(parts) => (
        <>
          <div class="control">
            {children({
              ...parts,
              'aria-describedby':
                [parts['aria-describedby'], text && `${id}-hint`].filter(Boolean).join(' ') || undefined,
            })}
            <RemoveButton label={label} onRemove={onRemove} />
          </div>
          {text !== '' && (
            <p class="quiet" id={`${id}-hint`}>
              {text}
            </p>
          )}
        </>
      )}
    </Field>
  )
}

/** A field for a string. */
export function TextField(props: FieldProps) {
  const { schema, value, label, onChange } = props
  const text = typeof value === 'string' ? value : ''
  const isLine = schema.pattern !== undefined || (schema.maxLength ?? Number.POSITIVE_INFINITY) <= MAX_LINE
  const isHidden = isPassword(label)
  const placeholder = schema.format === 'date-time' ? String(schema.examples?.[0] ?? '') : undefined
  const isLong = !isLine && !isHidden && props.path[0] === BODY
  return (
    <Labelled {...props}>
      {(parts) => {
        const common = {
          ...parts,
          spellcheck: false,
          value: text,
          onInput: ({ currentTarget }: { currentTarget: { value: string } }) => onChange(currentTarget.value),
        }
        if (isLong) return <textarea {...common} rows={text.includes('\n') ? 4 : 1} />
        if (isHidden) return <input {...common} type="password" autocomplete="off" />
        return <input {...common} type="text" autocomplete="off" placeholder={placeholder} />
      }}
    </Labelled>
  )
}

/** A field for a number. What is not a number stays a string, which is a fault. */
export function NumberField({
  isInteger,
  minimum,
  maximum,
  ...props
}: FieldProps & { isInteger: boolean; minimum: number | undefined; maximum: number | undefined }) {
  const strings = t.value
  const { value, onChange } = props
  const bounds = minimum === undefined || maximum === undefined ? strings.wholeNumber : strings.range(minimum, maximum)
  return (
    <Labelled {...props} hint={isInteger ? bounds : strings.number}>
      {(parts) => (
        <input
          {...parts}
          type="text"
          inputMode={isInteger ? 'numeric' : 'decimal'}
          autocomplete="off"
          value={typeof value === 'number' || typeof value === 'string' ? String(value) : ''}
          onInput={({ currentTarget: { value: text } }) => onChange(numberOf(text))}
        />
      )}
    </Labelled>
  )
}

/** Returns the number that a text spells in the shortest way, otherwise the text. */
function numberOf(text: string): number | string {
  const trimmed = text.trim()
  return trimmed !== '' && String(Number(trimmed)) === trimmed && Number.isFinite(Number(trimmed))
    ? Number(trimmed)
    : text
}

/** A field for one of some values. */
export function EnumField({ values, ...props }: FieldProps & { values: readonly unknown[] }) {
  return (
    <Labelled {...props}>
      {(parts) => (
        <select
          {...parts}
          value={String(values.indexOf(props.value))}
          onChange={({ currentTarget }) => props.onChange(values[Number(currentTarget.value)])}
        >
          {values.map((value, i) => (
            <option key={String(i)} value={String(i)}>
              {typeof value === 'string' ? value : JSON.stringify(value)}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  )
}

/** A field for true or false. */
export function BooleanField(props: FieldProps) {
  return <EnumField {...props} values={[true, false]} />
}

/** A value that cannot be another one. */
export function ConstantField(props: FieldProps) {
  return <Labelled {...props}>{({ id }) => <output id={id}>{JSON.stringify(props.value)}</output>}</Labelled>
}

/** A field for any JSON value, as JSON. */
export function AnyField(props: FieldProps) {
  const { value, onChange } = props
  const [text, setText] = useState(() => (value instanceof NotJson ? value.text : JSON.stringify(value, undefined, 2)))
  return (
    <Labelled {...props} hint={t.value.anyJson}>
      {(parts) => (
        <textarea
          {...parts}
          class="code"
          rows={2}
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => {
            setText(currentTarget.value)
            onChange(parsed(currentTarget.value))
          }}
        />
      )}
    </Labelled>
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return new NotJson(text, (error as Error).message)
  }
}
