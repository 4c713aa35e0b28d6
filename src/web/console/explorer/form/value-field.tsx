import { useState } from 'preact/hooks'
import { bestOption, isNullable } from '../schema/alternatives.ts'
import { type Option, shapeOf } from '../schema/shape.ts'
import { blank } from '../schema/values.ts'
import { ArrayField } from './array-field.tsx'
import { type FieldProps, keyOf, useForm } from './context.ts'
import { FlagsField, MapField, ObjectField } from './object-field.tsx'
import { AnyField, BooleanField, ConstantField, EnumField, NumberField, TextField } from './scalar-fields.tsx'
import { t } from './strings.ts'

/** A field for any schema. */
export function ValueField(props: FieldProps) {
  const { schema, value, label, onChange } = props
  const { components } = useForm()
  if (!isNullable(schema, components)) return <GivenField {...props} />
  return (
    <div class="nullable">
      {value === null ? <ConstantField {...props} value={null} /> : <GivenField {...props} />}
      <label class="check">
        <input
          type="checkbox"
          checked={value === null}
          onChange={({ currentTarget: { checked } }) => onChange(checked ? null : blank(schema, components))}
        />
        {label} = null
      </label>
    </div>
  )
}

function GivenField(props: FieldProps) {
  const { components } = useForm()
  const shape = shapeOf(props.schema, components)
  switch (shape.kind) {
    case 'object':
      if (shape.extra !== undefined) return <MapField {...props} extra={shape.extra} />
      return <ObjectField {...props} properties={shape.properties} />
    case 'flags':
      return <FlagsField {...props} properties={shape.properties} />
    case 'array':
      return <ArrayField {...props} items={shape.items} />
    case 'choice':
      return <ChoiceField {...props} options={shape.options} />
    case 'enum':
      return <EnumField {...props} values={shape.values} />
    case 'constant':
      return <ConstantField {...props} value={shape.value} />
    case 'null':
      return <ConstantField {...props} value={null} />
    case 'number':
      return <NumberField {...props} {...shape} />
    case 'boolean':
      return <BooleanField {...props} />
    case 'text':
      return <TextField {...props} />
    case 'any':
      return <AnyField {...props} />
  }
}

/** A choice of the kind of a value, and a field for that kind. */
function ChoiceField({ options, ...props }: FieldProps & { options: readonly Option[] }) {
  const { value, label, path, onChange } = props
  const { components, messages } = useForm()
  const [chosen, setChosen] = useState(() =>
    bestOption(
      value,
      options.map(({ schema }) => schema),
      components,
    ),
  )
  const option = options[chosen]
  return (
    <div class="choice">
      <select
        aria-label={t.value.kindOf(label)}
        aria-invalid={messages.has(keyOf(path)) || undefined}
        value={String(chosen)}
        onChange={({ currentTarget }) => {
          const index = Number(currentTarget.value)
          setChosen(index)
          onChange(blank(options[index]?.schema ?? {}, components))
        }}
      >
        {options.map(({ label: name }, i) => (
          <option key={name} value={String(i)}>
            {name}
          </option>
        ))}
      </select>
      {option !== undefined && <ValueField key={chosen} {...props} schema={option.schema} />}
    </div>
  )
}
