import type { ComponentChildren } from 'preact'

/** What a field needs to be named and described. */
export interface FieldParts {
  id: string
  'aria-invalid': boolean
  'aria-describedby': string | undefined
}

/** A labelled field with the error that it is about. */
export function Field({
  id,
  label,
  error,
  children,
}: {
  id: string
  label: string
  error: string | undefined
  children: (parts: FieldParts) => ComponentChildren
}) {
  const errorId = `${id}-error`
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-invalid': error !== undefined,
        'aria-describedby': error === undefined ? undefined : errorId,
      })}
      {error !== undefined && (
        <p class="error" id={errorId} role="alert">
          {error}
        </p>
      )}
    </div>
  )
}
