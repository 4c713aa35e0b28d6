import './form.css'
import { useMemo } from 'preact/hooks'
import type { Operation } from '../operations.ts'
import { type Draft, emptyBody } from '../request.ts'
import { faultText } from '../schema/fault-text.ts'
import type { Components } from '../schema/schema.ts'
import type { Fault } from '../schema/validate.ts'
import { BodyField } from './body-field.tsx'
import { Form, keyOf } from './context.ts'
import { Members } from './members.tsx'
import { t } from './strings.ts'
import { ValueField } from './value-field.tsx'

/** The form of an operation: its parameters and its body. */
export function DraftForm({
  operation,
  draft,
  faults,
  refusal,
  components,
  onChange,
}: {
  operation: Operation
  draft: Draft
  /** what the person has to change */
  faults: readonly Fault[]
  /** what the gateway said of a field */
  refusal: { path: readonly (string | number)[]; message: string } | undefined
  components: Components
  onChange: (draft: Draft) => void
}) {
  const strings = t.value
  const { parameters, body, types } = operation
  const messages = useMemo(() => {
    const all = new Map(faults.map((fault) => [keyOf(fault.path), faultText(fault)]))
    if (refusal !== undefined) all.set(keyOf(refusal.path), refusal.message)
    return all
  }, [faults, refusal, strings])
  const members = parameters.map(({ key, name, schema, isRequired, description, ...parameter }) => ({
    key,
    label: name,
    schema,
    isRequired,
    path: [key],
    description: [parameter.in, description].filter(Boolean).join(': '),
  }))
  const replaceBody = (value: unknown): void => onChange({ ...draft, body: value, json: undefined })
  return (
    <Form.Provider value={{ components, messages, ValueField }}>
      {members.length > 0 && (
        <fieldset class="group">
          <legend>{strings.parameters}</legend>
          <Members
            members={members}
            values={draft.parameters}
            onChange={(values) => onChange({ ...draft, parameters: values })}
          />
        </fieldset>
      )}
      {members.length === 0 && body === undefined && <p class="quiet">{strings.noParameters}</p>}
      {body !== undefined &&
        (draft.body === undefined && draft.json === undefined && !body.isRequired ? (
          <p>
            <button type="button" onClick={() => replaceBody(emptyBody(body, components) ?? null)}>
              {strings.addBody}
            </button>
          </p>
        ) : (
          <BodyField
            body={body}
            draft={draft}
            messages={messages}
            onChange={onChange}
            onRemove={body.isRequired ? undefined : () => replaceBody(undefined)}
          />
        ))}
      {types.length > 1 && (
        <label class="field accept">
          <span>{strings.accept}</span>
          <select
            value={draft.accept ?? ''}
            onChange={({ currentTarget: { value } }) =>
              onChange({ ...draft, accept: value === '' ? undefined : value })
            }
          >
            <option value="">{strings.anyFormat}</option>
            {types.map((type) => (
              <option key={type} value={type}>
                {type}
              </option>
            ))}
          </select>
        </label>
      )}
    </Form.Provider>
  )
}
