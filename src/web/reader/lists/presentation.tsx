import { LyskomError, type Text } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { useAction } from '../../shared/use-action.ts'
import { type Result, useAsync } from '../../shared/use-async.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { Loading } from '../shell/parts.tsx'
import { Body } from '../text/body.tsx'
import { KeptPresentation } from './presentation-draft.ts'
import { savePresentation } from './save-presentation.ts'
import { t } from './strings.ts'

/** What a presentation presents. */
export interface Presented {
  conf_no: number
  name: string
  /** the number of the text; 0 for none */
  presentation: number
}

/**
 * The presentation of a conference or person, which those who may change it can edit.
 *
 * @param recipient the conference in which presentations of this kind are written
 */
export function Presentation({
  reader,
  presented,
  isEditable,
  recipient,
}: {
  reader: Reader
  presented: Presented
  isEditable: boolean
  recipient: number | undefined
}) {
  const strings = t.value
  const [textNo, setTextNo] = useState(presented.presentation)
  const kept = new KeptPresentation(reader.server, reader.state.value.person?.pers_no ?? 0, presented.conf_no)
  const [isEditing, setEditing] = useState(isEditable && kept.get() !== undefined)
  const edit = useRef<HTMLButtonElement>(null)
  const text = useText(reader, textNo)
  // A text that cannot be read is replaced by another one.
  const isKnown = textNo === 0 || text.value !== undefined || text.error instanceof LyskomError
  const close = (): void => {
    setEditing(false)
    // The button is rendered again before it can have the focus.
    setTimeout(() => edit.current?.focus())
  }
  if (textNo === 0 && !isEditable) return null
  return (
    <section class="presentation" aria-labelledby="presentation">
      <h2 id="presentation">{strings.presentation}</h2>
      {isEditing ? (
        <Editor
          reader={reader}
          presented={{ ...presented, presentation: textNo }}
          recipient={recipient ?? presented.conf_no}
          formerBody={text.value?.body ?? ''}
          kept={kept}
          onSaved={(no) => {
            setTextNo(no)
            reader.notice.value = strings.presentationIsSaved
            close()
          }}
          onCancel={close}
        />
      ) : (
        <>
          {textNo === 0 ? <p class="quiet">{strings.noPresentation}</p> : <TextResult reader={reader} text={text} />}
          {isEditable && isKnown && (
            <p class="actions">
              <button ref={edit} type="button" onClick={() => setEditing(true)}>
                {textNo === 0 ? strings.writePresentation : strings.editPresentation}
              </button>
            </p>
          )}
        </>
      )}
    </section>
  )
}

/** The contents of a text on the page of a conference or person. */
export function TextBody({ reader, no }: { reader: Reader; no: number }) {
  return <TextResult reader={reader} text={useText(reader, no)} />
}

function useText(reader: Reader, no: number): Result<Text | undefined> {
  return useAsync(no, async () => (no === 0 ? undefined : await reader.live.text(no)))
}

function TextResult({ reader, text: { value, error, retry } }: { reader: Reader; text: Result<Text | undefined> }) {
  if (error instanceof LyskomError) return <p class="quiet">{t.value.presentationIsGone}</p>
  if (error !== undefined) return <Failure error={error} onRetry={retry} />
  if (value === undefined) return <Loading />
  return (
    <div class="body">
      <Body reader={reader} text={value} />
    </div>
  )
}

function Editor({
  reader,
  presented: { conf_no, name, presentation },
  recipient,
  formerBody,
  kept,
  onSaved,
  onCancel,
}: {
  reader: Reader
  presented: Presented
  recipient: number
  formerBody: string
  kept: KeptPresentation
  onSaved: (textNo: number) => void
  onCancel: () => void
}) {
  const strings = t.value
  const [draft] = useState(() => kept.get())
  const [body, setBody] = useState(draft?.body ?? formerBody)
  const [isMissing, setMissing] = useState(false)
  const isAgain = useRef(draft?.isAttempted ?? false)
  const field = useRef<HTMLTextAreaElement>(null)
  const action = useAction()
  useEffect(() => field.current?.focus(), [])
  const save = async (): Promise<void> => {
    const persNo = reader.state.peek().person?.pers_no ?? 0
    const attempt = { no: conf_no, name, body, recipient, former: presentation, persNo, isAgain: isAgain.current }
    isAgain.current = true
    kept.set({ body, isAttempted: true })
    const textNo = await savePresentation(reader.kom, attempt)
    kept.remove()
    onSaved(textNo)
  }
  const error = isMissing ? strings.presentationIsMissing : saveError(action.error)
  return (
    <form
      class="editor"
      aria-label={strings.presentation}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        setMissing(body.trim() === '')
        if (body.trim() !== '') void action.run(save)
      }}
    >
      <Field id="presentation-text" label={strings.yourText} error={error}>
        {(parts) => (
          <textarea
            {...parts}
            rows={10}
            readOnly={action.isBusy}
            value={body}
            ref={field}
            onInput={({ currentTarget: { value } }) => {
              setBody(value)
              setMissing(false)
              kept.set({ body: value, isAttempted: isAgain.current })
            }}
          />
        )}
      </Field>
      <p class="actions">
        <button type="submit" class="primary" aria-disabled={action.isBusy}>
          {action.isBusy ? strings.saving : strings.save}
        </button>
        <button
          type="button"
          disabled={action.isBusy}
          onClick={() => {
            kept.remove()
            onCancel()
          }}
        >
          {strings.cancel}
        </button>
      </p>
    </form>
  )
}

function saveError(error: unknown): string | undefined {
  if (error === undefined) return undefined
  return error instanceof LyskomError && error.name === 'PermissionDenied' ? t.value.mayNotPresent : errorText(error)
}
