import { Field } from '../../../shared/field.tsx'
import type { Body } from '../operations.ts'
import { BODY, bodyOf, type Draft } from '../request.ts'
import { t } from './strings.ts'
import { ValueField } from './value-field.tsx'

/** The body of a request as a form, as JSON, or as a file. */
export function BodyField({
  body,
  draft,
  messages,
  onChange,
  onRemove,
}: {
  body: Body
  draft: Draft
  messages: ReadonlyMap<string, string>
  onChange: (draft: Draft) => void
  onRemove: (() => void) | undefined
}) {
  const strings = t.value
  const isJson = draft.json !== undefined
  const ofBody = [...messages].flatMap(([key, message]) => {
    const [first, ...path] = JSON.parse(key) as (string | number)[]
    if (first !== BODY) return []
    return [path.length === 0 ? message : `${path.join('.')}: ${message}`]
  })
  if (body.encoding === 'file') {
    return (
      <Field id="explorer-file" label={`${strings.file} (${body.contentType})`} error={ofBody[0]}>
        {(parts) => (
          <input
            {...parts}
            type="file"
            onChange={({ currentTarget: { files } }) => onChange({ ...draft, body: files?.[0], json: undefined })}
          />
        )}
      </Field>
    )
  }
  return (
    <div class="body-field">
      {body.encoding === 'json' && (
        <fieldset class="switch" aria-label={strings.bodyAs}>
          <button
            type="button"
            aria-pressed={!isJson}
            onClick={() => {
              const complete = completeBodyOf(draft)
              if (complete !== undefined) onChange({ ...draft, body: complete.value, json: undefined })
            }}
          >
            {strings.form}
          </button>
          <button
            type="button"
            aria-pressed={isJson}
            onClick={() => onChange({ ...draft, json: draft.json ?? JSON.stringify(draft.body, undefined, 2) })}
          >
            {strings.json}
          </button>
        </fieldset>
      )}
      {isJson ? (
        <Field
          id="explorer-json"
          label={strings.bodyInJson}
          error={ofBody.length === 0 ? undefined : ofBody.join('\n')}
        >
          {(parts) => (
            <textarea
              {...parts}
              class="code"
              rows={12}
              spellcheck={false}
              value={draft.json}
              onInput={({ currentTarget: { value } }) => onChange({ ...draft, json: value })}
            />
          )}
        </Field>
      ) : (
        <ValueField
          schema={body.schema}
          value={draft.body}
          path={[BODY]}
          label={strings.body}
          onChange={(value) => onChange({ ...draft, body: value })}
          onRemove={onRemove}
        />
      )}
    </div>
  )
}

/** Returns the body of a draft, undefined while the JSON that the person types is not complete. */
function completeBodyOf(draft: Draft): { value: unknown } | undefined {
  try {
    return { value: bodyOf(draft) }
  } catch {
    return undefined
  }
}
