import type { Text } from 'komgate/client'
import type { Reader } from '../reading/reader.ts'
import { Attachment, Picture } from './attachment.tsx'
import { HtmlPage } from './html-page.tsx'
import { Lines } from './lines.tsx'

/** The contents of a text. Nothing of it runs, and nothing is loaded from elsewhere. */
export function Body({ reader, text }: { reader: Reader; text: Text }) {
  const { body, content_type } = text
  if (body === undefined) {
    return content_type.startsWith('image/') ? (
      <Picture reader={reader} text={text} />
    ) : (
      <Attachment reader={reader} text={text} />
    )
  }
  return content_type === 'text/html' ? (
    <HtmlPage reader={reader} text={text} html={body} />
  ) : (
    <Lines server={reader.server} body={body} />
  )
}
