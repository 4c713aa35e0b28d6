import { useState } from 'preact/hooks'
import { Field } from '../../../shared/field.tsx'
import type { Schema } from '../schema/schema.ts'
import type { Property } from '../schema/shape.ts'
import { blank } from '../schema/values.ts'
import { type FieldProps, keyOf, useForm } from './context.ts'
import { Group } from './group.tsx'
import { Members } from './members.tsx'
import { t } from './strings.ts'

/** Fields for the properties of an object. */
export function ObjectField({ properties, ...props }: FieldProps & { properties: readonly Property[] }) {
  const { value, path, onChange } = props
  const members = properties.map(({ name, schema, isRequired }) => ({
    key: name,
    label: name,
    schema,
    isRequired,
    path: [...path, name],
  }))
  return (
    <Group {...props}>
      <Members members={members} values={recordOf(value)} onChange={onChange} />
    </Group>
  )
}

/** Check boxes for the properties of an object that are true or left out. */
export function FlagsField({ properties, ...props }: FieldProps & { properties: readonly Property[] }) {
  const { value, onChange } = props
  const record = recordOf(value)
  return (
    <Group {...props}>
      <div class="flags">
        {properties.map(({ name }) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={record[name] === true}
              onChange={({ currentTarget: { checked } }) => {
                const { [name]: _, ...others } = record
                onChange(checked ? { ...others, [name]: true } : others)
              }}
            />
            {name}
          </label>
        ))}
      </div>
    </Group>
  )
}

/** Fields for the names and values of an object that may have any names. */
export function MapField({ extra, ...props }: FieldProps & { extra: Schema }) {
  const strings = t.value
  const { value, path, label, onChange } = props
  const { components, messages, ValueField } = useForm()
  // Two names may be equal while the person types.
  const [entries, setEntries] = useState(() =>
    Object.entries(recordOf(value)).map(([name, of], id) => ({ id, name, of })),
  )
  const change = (changed: typeof entries): void => {
    setEntries(changed)
    onChange(Object.fromEntries(changed.map(({ name, of }) => [name, of])))
  }
  const replace = (i: number, changed: (typeof entries)[number]): void =>
    change(entries.map((each, j) => (j === i ? changed : each)))
  return (
    <Group {...props}>
      {entries.map((entry, i) => (
        <div key={entry.id} class="entry">
          <Field
            id={`${path.join('-')}-name-${entry.id}`}
            label={strings.keyOf(i + 1)}
            error={
              entries.some((other, j) => j < i && other.name === entry.name)
                ? strings.duplicate
                : messages.get(keyOf([...path, entry.name, 'name']))
            }
          >
            {(parts) => (
              <input
                {...parts}
                type="text"
                spellcheck={false}
                value={entry.name}
                onInput={({ currentTarget }) => replace(i, { ...entry, name: currentTarget.value })}
              />
            )}
          </Field>
          <ValueField
            schema={extra}
            value={entry.of}
            path={[...path, entry.name]}
            label={strings.valueOf(i + 1)}
            onChange={(of) => replace(i, { ...entry, of })}
            onRemove={() => change(entries.filter((_, j) => j !== i))}
          />
        </div>
      ))}
      <p>
        <button
          type="button"
          onClick={() => {
            const id = Math.max(0, ...entries.map((entry) => entry.id)) + 1
            change([...entries, { id, name: '', of: blank(extra, components) }])
          }}
        >
          {strings.addItem(label)}
        </button>
      </p>
    </Group>
  )
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
