import { useRef } from 'preact/hooks'
import type { Schema } from '../schema/schema.ts'
import { blank } from '../schema/values.ts'
import { type FieldProps, useForm } from './context.ts'
import { Group } from './group.tsx'
import { useMemberFocus } from './member-focus.ts'
import { t } from './strings.ts'

const ADD = 'add'

/** A list of fields, to which items can be added. */
export function ArrayField({ items, ...props }: FieldProps & { items: Schema }) {
  const { value, path, label, schema, onChange } = props
  const { components, ValueField } = useForm()
  const list = Array.isArray(value) ? value : []
  // Identifies the items, so that the fields of an item keep their state when another item is removed.
  const ids = useRef<number[]>([])
  while (ids.current.length < list.length) ids.current.push(Math.max(0, ...ids.current) + 1)
  const [container, focus] = useMemberFocus<HTMLFieldSetElement>()
  return (
    <Group {...props} container={container}>
      {list.map((item, i) => (
        <div key={ids.current[i]} data-member={String(i)}>
          <ValueField
            schema={items}
            value={item}
            path={[...path, i]}
            label={`${label} ${i + 1}`}
            onChange={(changed) => onChange(list.map((each, j) => (j === i ? changed : each)))}
            onRemove={
              list.length > (schema.minItems ?? 0)
                ? () => {
                    ids.current.splice(i, 1)
                    focus(ADD)
                    onChange(list.filter((_, j) => j !== i))
                  }
                : undefined
            }
          />
        </div>
      ))}
      <p>
        <button
          type="button"
          data-member={ADD}
          onClick={() => {
            focus(String(list.length))
            onChange([...list, blank(items, components)])
          }}
        >
          {t.value.addItem(label)}
        </button>
      </p>
    </Group>
  )
}
