import type { ComponentChildren, RefObject } from 'preact'
import { type FieldProps, keyOf, useForm } from './context.ts'
import { RemoveButton } from './remove-button.tsx'

/** A group of fields with what is wrong with all of them together. */
export function Group({
  label,
  path,
  schema,
  description = schema.description,
  onRemove,
  container,
  children,
}: Pick<FieldProps, 'label' | 'path' | 'schema' | 'description' | 'onRemove'> & {
  container?: RefObject<HTMLFieldSetElement | null>
  children: ComponentChildren
}) {
  const { messages } = useForm()
  const message = messages.get(keyOf(path))
  return (
    <fieldset class="group" ref={container ?? null}>
      <legend>{label}</legend>
      {description !== undefined && description !== '' && <p class="quiet">{description}</p>}
      {message !== undefined && (
        <p class="error" role="alert">
          {message}
        </p>
      )}
      {children}
      <RemoveButton label={label} onRemove={onRemove} />
    </fieldset>
  )
}
