import { resolve, type Schema } from '../schema/schema.ts'
import type { Path } from '../schema/validate.ts'
import { blank } from '../schema/values.ts'
import { keyOf, useForm } from './context.ts'
import { useMemberFocus } from './member-focus.ts'
import { t } from './strings.ts'

/** A property of an object, or a parameter. */
export interface Member {
  key: string
  label: string
  schema: Schema
  isRequired: boolean
  path: Path
  description?: string
}

/** Fields for the members that are required or given, and buttons that add the others. */
export function Members({
  members,
  values,
  onChange,
}: {
  members: readonly Member[]
  values: Readonly<Record<string, unknown>>
  onChange: (values: Record<string, unknown>) => void
}) {
  const strings = t.value
  const { components, messages, ValueField } = useForm()
  const [container, focus] = useMemberFocus<HTMLDivElement>()
  const isShown = ({ key, isRequired }: Member): boolean => isRequired || values[key] !== undefined
  // The choice of the kind of an object sets these.
  const isImplied = ({ schema, isRequired }: Member): boolean =>
    isRequired && resolve(schema, components).const !== undefined
  const others = members.filter((member) => !isShown(member))
  const faulty = others.flatMap(({ key, label, path }) => {
    const message = messages.get(keyOf(path))
    return message === undefined ? [] : [{ key, text: `${label}: ${message}` }]
  })
  const known = new Set(members.map(({ key }) => key))
  return (
    <div class="members" ref={container}>
      {members
        .filter((member) => isShown(member) && !isImplied(member))
        .map(({ key, label, schema, isRequired, path, description }) => (
          <div key={key} data-member={key}>
            <ValueField
              schema={schema}
              value={values[key]}
              path={path}
              label={label}
              {...(description !== undefined && { description })}
              onChange={(value) => onChange({ ...values, [key]: value })}
              onRemove={
                isRequired
                  ? undefined
                  : () => {
                      const { [key]: _, ...rest } = values
                      focus(key)
                      onChange(rest)
                    }
              }
            />
          </div>
        ))}
      {others.length > 0 && (
        <div class="left-out">
          <span class="quiet">{strings.leftOut}</span>
          {others.map(({ key, label, schema }) => (
            <button
              key={key}
              type="button"
              class="chip"
              data-member={key}
              aria-label={strings.add(label)}
              onClick={() => {
                focus(key)
                onChange({ ...values, [key]: blank(schema, components) })
              }}
            >
              + {label}
            </button>
          ))}
        </div>
      )}
      {faulty.map(({ key, text }) => (
        <p key={key} class="error" role="alert">
          {text}
        </p>
      ))}
      {Object.keys(values)
        .filter((key) => !known.has(key) && messages.has(keyOf([...(members[0]?.path.slice(0, -1) ?? []), key])))
        .map((key) => (
          <p key={key} class="error" role="alert">
            {key}: {messages.get(keyOf([...(members[0]?.path.slice(0, -1) ?? []), key]))}
          </p>
        ))}
    </div>
  )
}
