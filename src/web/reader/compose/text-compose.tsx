import type { Text } from 'komgate/client'
import type { Reader } from '../reading/reader.ts'
import { ComposeForm } from './compose-form.tsx'
import { kindsFor } from './kinds.ts'
import { t } from './strings.ts'
import { keyOf } from './target.ts'

/** Buttons for what the person may write about a text. */
export function WriteButtons({ reader, text }: { reader: Reader; text: Text }) {
  const { text_no: no } = text
  const writing = reader.writing.value
  return (
    <>
      {kindsFor(reader, text).map(
        (kind) =>
          !(writing?.no === no && writing.kind === kind) && (
            <button
              key={kind}
              type="button"
              aria-keyshortcuts={kind[0]}
              onClick={() => reader.write({ kind, no, takesFocus: true })}
            >
              {t.value[kind]}
            </button>
          ),
      )}
    </>
  )
}

/** The form for what is being written about a text, if anything is. */
export function TextCompose({ reader, text, onClose }: { reader: Reader; text: Text; onClose: () => void }) {
  const writing = reader.writing.value
  if (writing === undefined || writing.no !== text.text_no) return null
  return <ComposeForm key={keyOf(writing)} reader={reader} target={writing} text={text} onClose={onClose} />
}
