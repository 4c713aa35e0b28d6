import { type ComponentType, createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Components, Schema } from '../schema/schema.ts'
import type { Path } from '../schema/validate.ts'

/** What every field has. */
export interface FieldProps {
  schema: Schema
  value: unknown
  path: Path
  label: string
  /** what is known of the field besides its schema */
  description?: string
  onChange: (value: unknown) => void
  /** leaves the value out */
  onRemove?: (() => void) | undefined
}

/** What all fields of a form share. */
export interface FormContext {
  components: Components
  /** messages by `keyOf` the path that they are about */
  messages: ReadonlyMap<string, string>
  /** the field for any schema, of which fields for objects and lists consist */
  ValueField: ComponentType<FieldProps>
}

export const Form = createContext<FormContext>({ components: {}, messages: new Map(), ValueField: () => null })

/** Returns what all fields of the form share. */
export function useForm(): FormContext {
  return useContext(Form)
}

/** Identifies a path. */
export function keyOf(path: Path): string {
  return JSON.stringify(path)
}
