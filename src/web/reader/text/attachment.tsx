import type { Text } from 'komgate/client'
import { useEffect, useState } from 'preact/hooks'
import { language } from '../../shared/preferences.ts'
import { sizeText } from '../../shared/size.ts'
import { useAsync } from '../../shared/use-async.ts'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { Loading } from '../shell/parts.tsx'
import { t as common } from '../strings/index.ts'
import { Action } from './body-parts.tsx'
import { fileName } from './file-name.ts'
import { t } from './strings.ts'

/** An image, which is loaded with the rights of the person. */
export function Picture({ reader, text }: { reader: Reader; text: Text }) {
  const strings = t.value
  const { text_no, subject } = text
  const { value, error } = useAsync(text_no, () => reader.kom.texts.body(text_no))
  const url = useObjectUrl(value)
  const [isBroken, setBroken] = useState(false)
  if (error !== undefined) return <Failure error={error} />
  if (value === undefined || url === undefined) return <Loading />
  return (
    <figure class="picture">
      {isBroken ? (
        <p class="note">{strings.imageIsBroken}</p>
      ) : (
        <img src={url} alt={common.value.imageOf(subject ?? '')} onError={() => setBroken(true)} />
      )}
      <figcaption class="quiet">
        <a href={url} download={fileName(text)}>
          {strings.saveImage}
        </a>{' '}
        ({sizeText(value.size, language.value)})
      </figcaption>
    </figure>
  )
}

/** A file of a type that the reader does not display. */
export function Attachment({ reader, text }: { reader: Reader; text: Text }) {
  const { text_no, content_type } = text
  const { value } = useAsync(text_no, () => reader.kom.call('get-text-stat', { text_no }))
  const download = async (): Promise<void> => {
    const url = URL.createObjectURL(await reader.kom.texts.body(text_no))
    const link = document.createElement('a')
    link.href = url
    link.download = fileName(text)
    link.click()
    // The browser reads the URL after the click.
    setTimeout(() => URL.revokeObjectURL(url), 60_000)
  }
  // The size of a text includes the line of its subject.
  const subjectSize = new TextEncoder().encode(text.subject ?? '').length + 1
  const size = value && sizeText(Math.max(0, value.no_of_chars - subjectSize), language.value)
  const note = size === undefined ? common.value.otherContent(content_type) : t.value.size(content_type, size)
  return <Action note={note} label={common.value.download} run={download} />
}

function useObjectUrl(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    if (blob === undefined) return
    const created = URL.createObjectURL(blob)
    setUrl(created)
    return () => URL.revokeObjectURL(created)
  }, [blob])
  return url
}
