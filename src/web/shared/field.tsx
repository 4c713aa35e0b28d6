import type { ComponentChildren } from 'preact'

/** What a field needs to be named and described. */
export interface FieldParts {
  id: string
  'aria-invalid': boolean
  'aria-describedby': string | undefined
}

/** A labelled field with a hint, and the error that it is about. */
export function Field({
  id,
  label,
  hint,
  error,
  children,
}: {
  id: string
  label: string
  hint?: string
  error: string | undefined
  children: (parts: FieldParts) => ComponentChildren
}) {
  const errorId = `${id}-error`
  const hintId = `${id}-hint`
  const described = [...(error === undefined ? [] : [errorId]), ...(hint === undefined ? [] : [hintId])].join(' ')
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-invalid': error !== undefined,
        'aria-describedby': described === '' ? undefined : described,
      })}
      {hint !== undefined && (
        <p class="quiet" id={hintId}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p class="error" id={errorId} role="alert">
          {error}
        </p>
      )}
    </div>
  )
}
